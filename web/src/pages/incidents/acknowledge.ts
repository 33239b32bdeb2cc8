// Acknowledge and resolve, wherever they stand. Both can be undone for ten seconds, so the page shows them at once and
// takes them back if the server refuses.
import { actOnIncident } from '../../api/act'
import { session } from '../../api/client'
import type { IncidentRow } from '../../api/contract'
import { serverNow } from '../../lib/clock'
import { toServer } from '../../lib/time'

type Change = (row: IncidentRow) => IncidentRow
type Show = (change: Change) => void

export function acknowledged(row: IncidentRow): IncidentRow {
	const { id, name } = session.value!.user
	return { ...row, state: 'acknowledged', acknowledged_at: toServer(serverNow()), acknowledged_by: { id, name }, next_page_at: null }
}

export function resolved(row: IncidentRow): IncidentRow {
	return { ...row, state: 'resolved', resolved_at: toServer(serverNow()), next_page_at: null }
}

export async function acknowledge(row: IncidentRow, show: Show): Promise<void> {
	const before = row
	show(acknowledged)
	const result = await actOnIncident('incident_acknowledge', row.id, {}, `Acknowledged: ${row.title}`)
	show((now) => (result ? { ...now, ...result.incident } : { ...now, ...before }))
}

export async function resolve(row: IncidentRow, reason: string, show: Show): Promise<void> {
	const before = row
	show(resolved)
	const result = await actOnIncident('incident_resolve', row.id, reason ? { reason } : {}, `Resolved: ${row.title}`)
	show((now) => (result ? { ...now, ...result.incident } : { ...now, ...before }))
}
