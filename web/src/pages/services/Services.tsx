import { useData } from '../../api/data'
import type { ServiceRow } from '../../api/contract'
import { may } from '../../lib/may'
import { place } from '../../lib/route'
import { plural } from '../../lib/words'
import { Empty } from '../../ui/Empty'
import { Search } from '../../ui/Filters'
import { Loaded } from '../../ui/Loaded'
import { Page } from '../../ui/Page'
import { CheckBadge, PriorityBadge, Shape } from '../../ui/State'

const rooms = ['check', 'incident', 'mute', 'alert', 'definition', 'resource']

function Row({ row }: { row: ServiceRow }) {
	return (
		<tr>
			<td class="state-cell"><CheckBadge state={row.state} />{row.muted_until && <span class="state s-muted small"><Shape name="muted" size={13} />muted</span>}</td>
			<td class="what"><a class="title" href={`/services/${row.name}`}>{row.display}</a><div class="quiet clip">{row.about ?? row.name}</div></td>
			<td class="tier"><span class="tag">Tier {row.tier}</span>{row.customers && <> <span class="tag">customers</span></>}</td>
			<td class="soft">{row.team ?? <span class="quiet">no team</span>}</td>
			<td class="soft">{row.checks === 0 ? <span class="state s-unknown small">not checked</span> : row.checks_bad > 0 ? <strong class="s-down">{row.checks_bad} of {plural(row.checks, 'check')}</strong> : plural(row.checks, 'check')}</td>
			<td>{row.worst_priority && <a class="row tight" href={`/incidents?q=&service=${row.name}`}><PriorityBadge priority={row.worst_priority} /><span class="small">{plural(row.incidents_open, 'incident')}</span></a>}</td>
		</tr>
	)
}

export default function Services() {
	const q = place.value.query.get('q') ?? ''
	const list = useData('service_list', { limit: 200, ...(q ? { q } : {}) }, rooms)
	return (
		<Page title="Services" actions={may('manage') && <a class="button primary" href="/services/new/edit">Add a service</a>}>
			<div class="filters"><Search value={q} label="Name or team" /></div>
			<Loaded of={list}>
				{(data) => (data.items.length > 0
					? (
						<div class="card flush">
							<table class="table services">
								<thead><tr><th>State</th><th>Service</th><th>Tier</th><th>Team</th><th>Checks</th><th>Open</th></tr></thead>
								<tbody>{data.items.map((row) => <Row key={row.name} row={row} />)}</tbody>
							</table>
						</div>
					)
					: q
						? <Empty icon="search" title="No service fits" action={<a class="button" href="/services">Show all</a>} />
						: <Empty icon="services" title="No service yet" action={may('manage') && <><a class="button primary" href="/discovery">See what runs on this host</a><a class="button" href="/services/new/edit">Add one by hand</a></>}>A service is what people depend on. Its tier and customers decide how bad it is when its checks fail.</Empty>)}
			</Loaded>
		</Page>
	)
}
