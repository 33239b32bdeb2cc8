// What is owed, what was learned, and what comes back: reviews, their actions, and the trends of both.
import { useEffect, useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { Priority, ReviewRow } from '../../api/contract'
import { place, setQuery } from '../../lib/route'
import { complain } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { CsvButton } from '../../ui/CsvButton'
import { Empty } from '../../ui/Empty'
import { Select } from '../../ui/Field'
import { Search, Segments } from '../../ui/Filters'
import { Loaded } from '../../ui/Loaded'
import { Page } from '../../ui/Page'
import { Person } from '../../ui/Person'
import { PriorityBadge } from '../../ui/State'
import { Time } from '../../ui/Time'
import { AllActions } from './AllActions'
import { Trends } from './Trends'
import { ReviewBadge } from './words'

const views: Record<string, object> = {
	owed: { state: ['draft', 'in_review'] }, overdue: { overdue: true }, in_review: { state: ['in_review'] },
	published: { state: ['published'] }, all: {},
}

function Row({ row }: { row: ReviewRow }) {
	return (
		<tr>
			<td class="tight"><PriorityBadge priority={row.priority} /></td>
			<td class="what"><a class="title" href={`/reviews/${row.id}`}>{row.title}</a><div class="quiet">#{row.id}{row.service && <> · <a href={`/services/${row.service}`}>{row.service}</a></>}</div></td>
			<td><ReviewBadge row={row} /></td>
			<td class="who">{row.owner ? <Person user={row.owner} /> : <span class="quiet">nobody yet</span>}</td>
			<td>{row.published_at ? <Time at={row.published_at} /> : <Time at={row.due_at} />}</td>
			<td class="num">{row.actions === 0 ? <span class="quiet">none</span> : `${row.actions_open} of ${row.actions} open`}</td>
		</tr>
	)
}

function nothing(view: string, filtered: boolean) {
	if (filtered) return <Empty icon="search" title="No review fits" action={<a class="button" href="/reviews?view=all">Show all</a>}>Take a word or a filter away.</Empty>
	if (view === 'all' || view === 'published') return <Empty icon="journal" title="No review yet">When an incident of priority P1 or P2 is resolved, its review is drafted here by itself, from what was recorded.</Empty>
	return <Empty icon="check" title="No review is owed" action={<a class="button" href="/reviews?view=all">Look at past ones</a>}>When an incident of priority P1 or P2 is resolved, its review is drafted here by itself.</Empty>
}

function List() {
	const query = place.value.query
	const view = views[query.get('view') ?? 'owed'] ? query.get('view') ?? 'owed' : 'owed'
	const [priority, q] = [query.get('priority') ?? '', query.get('q') ?? '']
	const params = { ...views[view], priority: priority ? [priority as Priority] : undefined, q: q || undefined }
	const list = useData('review_list', params as never, ['review', 'incident'])
	const [older, setOlder] = useState<{ rows: ReviewRow[], next: string | null }>()
	const key = `${view}|${priority}|${q}`
	useEffect(() => setOlder(undefined), [key])
	const rows = [...list.data?.items ?? [], ...older?.rows ?? []]
	const next = older ? older.next : list.data?.next ?? null
	const more = async () => {
		try {
			const page = await call('review_list', { ...params, cursor: next! } as never)
			setOlder({ rows: [...older?.rows ?? [], ...page.items], next: page.next })
		} catch (error) { complain(problemFrom(error)) }
	}
	return (
		<>
			<div class="filters">
				<Segments name="view" label="Which" value={view} options={[['owed', 'Owed'], ['overdue', 'Overdue'], ['in_review', 'In review'], ['published', 'Published'], ['all', 'All']]} />
				<div class="narrow"><Select label="Priority" value={priority} onInput={(p) => setQuery({ priority: p })} options={[['', 'Any priority'], ['P1', 'P1'], ['P2', 'P2'], ['P3', 'P3'], ['P4', 'P4'], ['P5', 'P5']]} /></div>
				<Search key={view} value={q} label="Words in the title" />
				<CsvButton id="review_list" params={params as never} name="reviews" />
			</div>
			<Loaded of={list}>
				{() => (rows.length === 0 ? nothing(view, q !== '' || priority !== '') : (
					<div class="card flush">
						<table class="table incidents">
							<thead><tr><th><span class="hidden-text">Priority</span></th><th>Review of</th><th>State</th><th>Owner</th><th>Due, or published</th><th>Actions</th></tr></thead>
							<tbody>{rows.map((row) => <Row key={row.id} row={row} />)}</tbody>
						</table>
						{next && <div class="more"><Button onClick={more}>Older ones</Button></div>}
					</div>
				))}
			</Loaded>
		</>
	)
}

const tabs = { reviews: List, actions: AllActions, trends: Trends } as const

export default function Reviews() {
	const tab = (place.value.query.get('show') ?? 'reviews') as keyof typeof tabs
	const Shown = tabs[tab] ?? List
	return (
		<Page title="Reviews">
			<div class="filters"><Segments name="show" label="What" value={tabs[tab] ? tab : 'reviews'} options={[['reviews', 'Reviews'], ['actions', 'Actions'], ['trends', 'Trends']]} /></div>
			<Shown />
		</Page>
	)
}
