// One open incident on the page Now: what, since when, who is on it, what happens next, and the one act that helps.
import type { IncidentRow } from '../../api/contract'
import { session } from '../../api/client'
import { may } from '../../lib/may'
import { plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Person } from '../../ui/Person'
import { IncidentBadge, PriorityBadge } from '../../ui/State'
import { Countdown, Time } from '../../ui/Time'
import { acknowledge } from '../incidents/acknowledge'

function Next({ row }: { row: IncidentRow }) {
	if (row.state === 'open') {
		return row.next_page_at
			? <span><strong>Nobody is on it.</strong> The next page goes out in <Countdown until={row.next_page_at} /></span>
			: <span><strong>Nobody is on it,</strong> and nobody is paged: acknowledge, or give its service an escalation policy.</span>
	}
	if (!row.acknowledged_by) return <span>It was acknowledged.</span>
	return (
		<span class="row tight">
			{row.acknowledged_by.id === session.value!.user.id ? <strong>You have it</strong> : <><Person user={row.acknowledged_by} /> has it</>}
			{row.ack_until && <span class="quiet">· "still on it?" is asked in <Countdown until={row.ack_until} /></span>}
		</span>
	)
}

export function IncidentCard({ row, show }: { row: IncidentRow, show: (change: (row: IncidentRow) => IncidentRow) => void }) {
	return (
		<li class={`incident-card ${row.state} ${row.priority.toLowerCase()}`}>
			<PriorityBadge priority={row.priority} big />
			<div class="grow stack tight">
				<a class="name" href={`/incidents/${row.id}`}>{row.title}</a>
				<div class="row wide small soft">
					<IncidentBadge state={row.state} />
					{row.service && <a href={`/services/${row.service}`}>{row.service}</a>}
					<span>since <Time at={row.opened_at} /></span>
					<span class="quiet">{row.alerts_firing > 0 ? `${plural(row.alerts_firing, 'alert')} firing` : 'no alert fires now'}</span>
					{row.visibility !== 'everyone' && <span class="tag">{row.visibility}</span>}
				</div>
				<div class="small next"><Next row={row} /></div>
			</div>
			<div class="act">
				{row.state === 'open' && may('respond')
					? <Button kind="primary" size="large" icon="check" onClick={() => acknowledge(row, show)}>Acknowledge</Button>
					: <a class="button" href={`/incidents/${row.id}`}>Open</a>}
			</div>
		</li>
	)
}
