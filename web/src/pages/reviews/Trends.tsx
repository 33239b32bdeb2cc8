// What all reviews show together. A mean hides what it was made of: the count, the median and a dot for each
// incident stand beside it.
import { useState } from 'preact/hooks'
import { useData } from '../../api/data'
import type { ReviewGroup, ReviewTrends } from '../../api/contract'
import { durationText } from '../../lib/time'
import { sentenceCase } from '../../lib/words'
import { Empty } from '../../ui/Empty'
import { Loaded } from '../../ui/Loaded'
import { Wide } from '../../ui/Wide'

type Span = 'acknowledge' | 'resolve'

function usText(us: number | null): string { return us === null ? '–' : durationText(us / 1000) }

/** One row a group: its incidents as dots on a scale of powers, its median as a line. */
function Dots({ groups, span, of, data }: { groups: ReviewGroup[], span: Span, of: 'months' | 'weeks' | 'services', data: ReviewTrends }) {
	const value = (row: ReviewTrends['incidents'][number]) => (span === 'acknowledge' ? row.acknowledge_us : row.resolve_us)
	const all = data.incidents.map(value).filter((v): v is number => v !== null)
	const most = Math.log10(Math.max(...all, 60e6) / 1e6 + 1)
	const place = (us: number) => (Math.log10(us / 1e6 + 1) / most) * 100
	const weekOf = (at: string) => { const d = new Date(at); d.setUTCDate(d.getUTCDate() - (d.getUTCDay() + 6) % 7); return d.toISOString().slice(0, 10) }
	const nameOf = (row: ReviewTrends['incidents'][number]) => (of === 'services' ? row.service ?? '' : of === 'weeks' ? weekOf(row.resolved_at ?? row.due_at) : (row.resolved_at ?? row.due_at).slice(0, 7))
	return (
		<Wide of="Incidents over time">
			<table class="table dots">
				<thead><tr><th>{of === 'services' ? 'Service' : of === 'weeks' ? 'Week of' : 'Month'}</th><th class="num">Incidents</th><th class="wide">Each incident, on a scale of powers</th><th class="num">Median</th><th class="num">Mean</th></tr></thead>
				<tbody>
					{groups.map((group) => (
						<tr key={group.name}>
							<th scope="row">{group.name || 'none'}</th>
							<td class="num">{group[span].count} of {group.incidents}</td>
							<td><div class="lane">
								{data.incidents.filter((row) => nameOf(row) === group.name && value(row) !== null).map((row) => (
									<a key={row.id} href={`/reviews/${row.id}`} class={row.priority.toLowerCase()} style={{ left: `${place(value(row)!)}%` }} title={`${row.title}: ${usText(value(row))}`}><span class="hidden-text">{row.title}: {usText(value(row))}</span></a>
								))}
								{group[span].median_us !== null && <i style={{ left: `${place(group[span].median_us)}%` }} />}
							</div></td>
							<td class="num">{usText(group[span].median_us)}</td>
							<td class="num quiet">{usText(group[span].mean_us)}</td>
						</tr>
					))}
				</tbody>
			</table>
		</Wide>
	)
}

function Pick<T extends string>({ label, value, onPick, options }: { label: string, value: T, onPick: (value: T) => void, options: readonly (readonly [T, string])[] }) {
	return <div class="segments" role="group" aria-label={label}>{options.map(([key, text]) => <button key={key} type="button" aria-pressed={key === value} onClick={() => onPick(key)}>{text}</button>)}</div>
}

function Figures({ data }: { data: ReviewTrends }) {
	const { reviews, actions } = data
	const owed = reviews.draft + reviews.in_review
	const rows: [string, number, string][] = [
		['Reviews owed', owed, `${reviews.overdue} overdue`], ['Published', reviews.published, `${reviews.published_in_time} in time`],
		['Actions open', actions.open, `${actions.overdue} overdue`], ['Actions closed', actions.closed, `${actions.closed_in_time} in time`],
	]
	return <dl class="figures">{rows.map(([what, count, more]) => <div key={what}><dt>{what}</dt><dd><strong class="num">{count}</strong> <span class="quiet small">{more}</span></dd></div>)}</dl>
}

function Face({ data }: { data: ReviewTrends }) {
	const [span, setSpan] = useState<Span>('acknowledge')
	const [by, setBy] = useState<'months' | 'weeks' | 'services'>('months')
	if (data.incidents.length === 0) return <Empty icon="journal" title="Nothing to compare yet">Trends are drawn from reviews; the first one begins them.</Empty>
	const most = Math.max(...data.factors.map((f) => f.factors), 1)
	return (
		<div class="stack">
			<section class="card"><header><h2>What is owed</h2></header><Figures data={data} /></section>
			<section class="card">
				<header><h2>How long it took</h2></header>
				<div class="stack">
					<div class="row wide">
						<Pick label="What is measured" value={span} onPick={setSpan} options={[['acknowledge', 'To acknowledge'], ['resolve', 'To resolve']]} />
						<Pick label="Compared by" value={by} onPick={setBy} options={[['months', 'Months'], ['weeks', 'Weeks'], ['services', 'Services']]} />
					</div>
					<Dots groups={by === 'services' ? data.services : [...data[by]].reverse()} span={span} of={by} data={data} />
					<p class="small quiet">Time to acknowledge: from the opening of an incident to the first acknowledgement by a person (its mean is MTTA). Time to resolve: from its opening to its last resolution (its mean is MTTR). Incidents that have a review, by the day they ended, UTC.</p>
				</div>
			</section>
			<section class="card">
				<header><h2>Factors that come back</h2></header>
				{data.factors.length === 0 ? <p class="small soft">No review names a factor yet.</p> : (
					<ul class="kinds">
						{[...data.factors].sort((a, b) => b.factors - a.factors).map((f) => (
							<li key={f.kind}><span>{sentenceCase(f.kind)}</span><span class="bar"><i style={{ width: `${(f.factors / most) * 100}%` }} /></span><span class="num small">{f.factors} in {f.reviews} {f.reviews === 1 ? 'review' : 'reviews'}</span></li>
						))}
					</ul>
				)}
			</section>
			{data.cut && <p class="small quiet">There are more reviews than are shown here: the newest 2,000 count.</p>}
		</div>
	)
}

export function Trends() {
	const trends = useData('review_trends', {}, ['review'])
	return <Loaded of={trends}>{(data) => <Face data={data} />}</Loaded>
}
