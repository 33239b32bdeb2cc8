// Checks as rows: used by the list and by a service's page.
import type { CheckRow } from '../../api/contract'
import { setQuery } from '../../lib/route'
import { latencyText, percentText } from '../../lib/words'
import { CheckBadge, Shape } from '../../ui/State'
import { Time } from '../../ui/Time'
import { UptimeBars } from '../../ui/UptimeBars'

const rank = { down: 0, degraded: 1, unknown: 2, up: 3, paused: 4 }
const keys = {
	state: (c: CheckRow) => rank[c.state],
	name: (c: CheckRow) => c.display.toLowerCase(),
	uptime: (c: CheckRow) => c.uptime.month ?? 101,
	latency: (c: CheckRow) => -(c.last_latency_ms ?? -1),
}

export type SortKey = keyof typeof keys

/** Sorted by the key, by name where it is equal. "-name" turns it round. */
export function sortChecks(rows: readonly CheckRow[], sort: string): CheckRow[] {
	const back = sort.startsWith('-')
	const key = keys[(back ? sort.slice(1) : sort) as SortKey] ?? keys.state
	const sign = back ? -1 : 1
	return [...rows].sort((a, b) => {
		const [x, y] = [key(a), key(b)]
		return x < y ? -sign : x > y ? sign : a.display.localeCompare(b.display)
	})
}

function Head({ name, sort, children }: { name: SortKey, sort: string | undefined, children: string }) {
	if (sort === undefined) return <th>{children}</th>
	const on = sort === name || sort === `-${name}`
	return (
		<th aria-sort={on ? (sort === name ? 'ascending' : 'descending') : undefined}>
			<button type="button" onClick={() => setQuery({ sort: sort === name ? `-${name}` : name })}>{children}<span aria-hidden="true">{on ? (sort === name ? '↓' : '↑') : ''}</span></button>
		</th>
	)
}

export function CheckTable({ rows, sort }: { rows: readonly CheckRow[], sort?: string }) {
	return (
		<table class="table checks">
			<thead>
				<tr><Head name="state" sort={sort}>State</Head><Head name="name" sort={sort}>Check</Head><th class="bars-head">Last 90 days</th><Head name="uptime" sort={sort}>30 days</Head><Head name="latency" sort={sort}>Latency</Head></tr>
			</thead>
			<tbody>
				{rows.map((row) => (
					<tr key={row.name}>
						<td class="state-cell">
							<CheckBadge state={row.state} />
							{row.muted_until && <span class="state s-muted small" title="Muted"><Shape name="muted" size={13} />until <Time at={row.muted_until} only="clock" /></span>}
						</td>
						<td class="what">
							<a class="title" href={`/checks/${row.name}`}>{row.display}</a>
							<div class="quiet clip">{row.state === 'down' || row.state === 'degraded' ? <span class={`s-${row.state}`}>{row.last_reason ?? 'no reason given'}</span> : <>{row.kind} · {row.target}</>}</div>
						</td>
						<td class="bars-cell">{row.bars && <UptimeBars bars={row.bars} />}</td>
						<td class="num uptime">{percentText(row.uptime.month)}</td>
						<td class="num latency">{latencyText(row.last_latency_ms)}</td>
					</tr>
				))}
			</tbody>
		</table>
	)
}
