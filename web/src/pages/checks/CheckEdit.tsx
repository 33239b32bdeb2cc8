// Makes or changes a check; "Try it now" runs what stands in the form once, without saving it.
import { useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import type { CheckResult, Problem } from '../../api/contract'
import { may } from '../../lib/may'
import { place } from '../../lib/route'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { ProblemFace } from '../../ui/Loaded'
import { Page } from '../../ui/Page'
import { Editor } from '../settings/Editor'
import { forbidden } from '../settings/DefinitionEdit'
import type { Spec } from '../../lib/spec'
import { ResultCard } from './Result'

function Test({ spec }: { spec: () => Spec }) {
	const [outcome, setOutcome] = useState<{ result?: CheckResult, problem?: Problem }>()
	const test = async () => {
		try { setOutcome({ result: await call('check_test', {}, { spec: spec() }) }) } catch (error) { setOutcome({ problem: problemFrom(error) }) }
	}
	return (
		<>
			<Button size="large" icon="play" onClick={test}>Try it now</Button>
			{outcome && (
				<Dialog title="What it would say now" onClose={() => setOutcome(undefined)}>
					{outcome.problem && <><ProblemFace problem={outcome.problem} /><ul class="small">{outcome.problem.errors?.map((e) => <li key={e.field}><code>{e.field}</code> {e.detail}</li>)}</ul></>}
					{outcome.result && <ResultCard result={outcome.result} />}
					<p class="small quiet">Nothing was saved.</p>
				</Dialog>
			)}
		</>
	)
}

export default function CheckEdit({ params }: { params: Record<string, string> }) {
	const name = params['name'] === 'new' ? undefined : params['name']
	const service = place.value.query.get('service')
	return (
		<Page title={name ? `Edit ${name}` : 'Add a check'} crumb={name ? { href: `/checks/${name}`, text: name } : { href: '/checks', text: 'Checks' }}>
			{may('manage')
				? <Editor kind="Check" name={name} {...(service ? { start: { service } } : {})} after={(n) => `/checks/${n}`} back={name ? `/checks/${name}` : '/checks'} extra={(spec) => <Test spec={spec} />} />
				: forbidden()}
		</Page>
	)
}
