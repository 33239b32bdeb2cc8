// The actions of all reviews: what was promised, by whom, by when.
import { useEffect, useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { ReviewAction } from '../../api/contract'
import { may } from '../../lib/may'
import { place } from '../../lib/route'
import { complain } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { CsvButton } from '../../ui/CsvButton'
import { Empty } from '../../ui/Empty'
import { Segments } from '../../ui/Filters'
import { Loaded } from '../../ui/Loaded'
import { Person } from '../../ui/Person'
import { Shape } from '../../ui/State'
import { Time } from '../../ui/Time'

export function ActionBadge({ action }: { action: ReviewAction }) {
	const [shape, word] = action.overdue ? ['down', 'Overdue'] : action.state === 'open' ? ['unknown', 'Open'] : action.state === 'done' ? ['up', 'Done'] : ['paused', 'Dropped']
	return <span class={`state s-${shape}`}><Shape name={shape!} />{word}</span>
}

const filters: Record<string, object> = { open: { state: ['open'] }, overdue: { overdue: true }, done: { state: ['done', 'dropped'] }, all: {} }

export function AllActions() {
	const asked = place.value.query.get('which') ?? 'open'
	const which = filters[asked] ? asked : 'open'
	const list = useData('review_action_list', filters[which] as never, ['review'])
	const [older, setOlder] = useState<{ rows: ReviewAction[], next: string | null }>()
	useEffect(() => setOlder(undefined), [which])
	const rows = [...list.data?.items ?? [], ...older?.rows ?? []]
	const next = older ? older.next : list.data?.next ?? null
	const more = async () => {
		try {
			const page = await call('review_action_list', { ...filters[which], cursor: next! } as never)
			setOlder({ rows: [...older?.rows ?? [], ...page.items], next: page.next })
		} catch (error) { complain(problemFrom(error)) }
	}
	const close = (row: ReviewAction) => attempt(async () => { await call('review_action_update', { id: row.review, action: row.id }, { state: 'done' }); await list.refetch() }, 'Done')
	return (
		<>
			<div class="filters">
				<Segments name="which" label="Which" value={which} options={[['open', 'Open'], ['overdue', 'Overdue'], ['done', 'Closed'], ['all', 'All']]} />
				<CsvButton id="review_action_list" params={filters[which] as never} name="actions" />
			</div>
			<Loaded of={list}>
				{() => (rows.length === 0 ? <Empty icon="check" title={which === 'overdue' ? 'No action is overdue' : 'No action here'}>Actions are written in reviews: what is done so that it does not happen again.</Empty> : (
					<div class="card flush">
						<table class="table incidents">
							<thead><tr><th>Action</th><th>State</th><th>Owner</th><th>Due</th><th><span class="hidden-text">Act</span></th></tr></thead>
							<tbody>
								{rows.map((row) => (
									<tr key={row.id}>
										<td class="what"><span class="title">{row.text}</span><div class="quiet">from <a href={`/reviews/${row.review}`}>review #{row.review}</a>{row.link && <> · <a href={row.link} rel="noreferrer noopener" target="_blank">ticket</a></>}</div></td>
										<td><ActionBadge action={row} /></td>
										<td class="who">{row.owner ? <Person user={row.owner} /> : <span class="quiet">nobody yet</span>}</td>
										<td><Time at={row.due_at} /></td>
										<td class="right">{row.state === 'open' && may('respond') && <Button size="small" icon="check" onClick={() => close(row)}>Done</Button>}</td>
									</tr>
								))}
							</tbody>
						</table>
						{next && <div class="more"><Button onClick={more}>Older ones</Button></div>}
					</div>
				))}
			</Loaded>
		</>
	)
}
