import { useState } from 'preact/hooks'
import { actOnIncident } from '../../api/act'
import type { Incident, Level, Priority } from '../../api/contract'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Text } from '../../ui/Field'
import { Matrix } from '../../ui/Matrix'

/** Press the cell that is true; the matrix gives the priority, the reason goes into the timeline. */
export function ChangePriority({ incident, onClose }: { incident: Incident, onClose: () => void }) {
	const { matrix, cell } = incident.why
	const [picked, setPicked] = useState<{ impact: Level, urgency: Level, priority: Priority }>()
	const [reason, setReason] = useState('')
	const here = picked ? [matrix.impacts.indexOf(picked.impact), matrix.urgencies.indexOf(picked.urgency)] : cell
	const changed = picked !== undefined && (picked.impact !== incident.impact || picked.urgency !== incident.urgency)
	const submit = async (event: Event) => {
		event.preventDefault()
		const { impact, urgency, priority } = picked!
		if (await actOnIncident('incident_priority', incident.id, { impact, urgency, reason: reason.trim() }, `Priority is ${priority} now`)) onClose()
	}
	return (
		<Dialog title="Change the priority" onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<Matrix matrix={matrix} here={here} onPick={(impact, urgency, priority) => setPicked({ impact, urgency, priority })} />
				<p class="small soft">When unsure take the higher one: it can come down later. {picked && <>Chosen: <strong>{picked.impact} impact, {picked.urgency} urgency, {picked.priority}</strong>.</>}</p>
				<Field label="Why"><Text value={reason} onInput={setReason} lines={2} placeholder="What shows that it is so" /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!changed || !reason.trim()}>Change</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}
