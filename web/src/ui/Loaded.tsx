// The four faces every page has besides its own: loading, failed, forbidden, gone. Stale data stays, marked.
import type { ComponentChildren } from 'preact'
import type { Live } from '../api/data'
import type { Problem } from '../api/contract'
import { Button } from './Button'
import { Empty } from './Empty'
import { Icon } from './Icon'
import { Notice } from './Notice'
import { Skeleton } from './Skeleton'

export function ProblemFace({ problem, retry }: { problem: Problem, retry?: (() => unknown) | undefined }) {
	if (problem.status === 403) {
		return <Empty icon="lock" title="This is not for your role">{problem.detail} {problem.hint ?? 'Ask an administrator for the role you need.'}</Empty>
	}
	if (problem.status === 404) {
		return <Empty icon="search" title="There is nothing here" action={<a class="button" href="/">To the page Now</a>}>{problem.detail} {problem.hint}</Empty>
	}
	const again = retry && <Button size="small" onClick={retry}>Try again</Button>
	return (
		<Notice tone="bad" what={problem.detail} action={again}>
			{problem.hint}{problem.request_id && <span class="quiet"> Request <code>{problem.request_id}</code>.</span>}
		</Notice>
	)
}

interface Props<T> {
	of: Live<T>
	children: (data: T) => ComponentChildren
	skeleton?: ComponentChildren
}

export function Loaded<T>({ of, children, skeleton }: Props<T>) {
	if (of.data !== undefined) {
		return (
			<>
				{of.stale && <p><span class="stale"><Icon name="clock" size={13} />Could not be refreshed: this may be old</span></p>}
				{children(of.data)}
			</>
		)
	}
	if (of.problem) return <ProblemFace problem={of.problem} retry={of.refetch} />
	return <>{skeleton ?? <Skeleton />}</>
}
