// The page Now while nothing is wrong: what was lately, and how what is watched has been. Asked for only then, so that
// the page of a bad night stays one request.
import { useData } from '../../api/data'
import { durationText } from '../../lib/time'
import { CheckTable } from '../checks/CheckTable'
import { Person } from '../../ui/Person'
import { PriorityBadge, Shape } from '../../ui/State'
import { Time } from '../../ui/Time'

const LATELY = 5
const CHECKS = 8

function Lately() {
	const list = useData('incident_list', { state: ['resolved'], limit: LATELY }, ['incident'])
	if (!list.data || list.data.items.length === 0) return null
	return (
		<section class="section">
			<header><h2>Resolved lately</h2><a class="small" href="/incidents?state=all">All incidents</a></header>
			<ul class="card rows">
				{list.data.items.map((row) => (
					<li key={row.id} class="worst">
						<PriorityBadge priority={row.priority} />
						<div class="grow"><a href={`/incidents/${row.id}`}><strong>{row.title}</strong></a>
							<div class="small soft">{row.resolved_at && <>open for {durationText(Date.parse(row.resolved_at) - Date.parse(row.opened_at))}</>}{row.acknowledged_by && <>, taken by <Person user={row.acknowledged_by} /></>}</div>
						</div>
						<div class="small quiet meta">{row.resolved_at && <Time at={row.resolved_at} only="relative" />}</div>
					</li>
				))}
			</ul>
		</section>
	)
}

function Watched({ count }: { count: number }) {
	const list = useData('check_list', { bars: true, limit: CHECKS }, ['check', 'mute', 'definition'])
	if (!list.data || list.data.items.length === 0) return null
	return (
		<section class="section">
			<header><h2>What is watched</h2><a class="small" href="/checks">{count > CHECKS ? `All ${count} checks` : 'Checks'}</a></header>
			<div class="card flush"><CheckTable rows={list.data.items} /></div>
		</section>
	)
}

export function Calm({ checks }: { checks: number }) {
	return (
		<>
			<div class="calm"><Shape name="up" size={28} /><div><strong>No incident is open.</strong><div class="soft small">When something breaks it stands here, with who is on it and the button to take it.</div></div></div>
			<Lately />
			<Watched count={checks} />
		</>
	)
}
