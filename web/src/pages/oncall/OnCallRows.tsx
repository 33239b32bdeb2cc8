import type { OnCall } from '../../api/contract'
import { Person } from '../../ui/Person'
import { Shape } from '../../ui/State'
import { Time } from '../../ui/Time'

/** Who is on call, one row a schedule; nobody is an alarm, not a blank. */
export function OnCallRows({ rows }: { rows: readonly OnCall[] }) {
	if (rows.length === 0) {
		return <p class="small soft">No schedule exists, so nobody is paged. <a href="/on-call">Make one</a>.</p>
	}
	return (
		<ul class="rows">
			{rows.map((row) => (
				<li key={row.schedule} class="stack tight">
					<div class="small quiet">{row.schedule}</div>
					{row.user
						? <div class="row"><span class="grow"><strong><Person user={row.user} /></strong></span></div>
						: <div class="state s-down"><Shape name="down" />Nobody is on call</div>}
					<div class="small quiet">
						{row.until && <>until <Time at={row.until} /></>}{row.next && <>, then {row.next.name}</>}
						{row.user && !row.until && !row.next && 'Nobody takes over: this roster has one person.'}
					</div>
				</li>
			))}
		</ul>
	)
}
