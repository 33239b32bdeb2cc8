import { useState } from 'preact/hooks'
import { call, problemFrom, session } from '../../api/client'
import { useData } from '../../api/data'
import type { Problem, Schedule } from '../../api/contract'
import { serverNow } from '../../lib/clock'
import { may } from '../../lib/may'
import { addDays, HOUR, startOfDay, toInput, toServer } from '../../lib/time'
import { say } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Select, Text } from '../../ui/Field'
import { ProblemFace } from '../../ui/Loaded'

/** "I take it until ...": now, unless a beginning is given; for somebody else with the role manager. */
export function TakeIt({ schedule, onClose, onDone }: { schedule: Schedule, onClose: () => void, onDone: () => unknown }) {
	const me = session.value!.user
	const users = useData('user_list', { limit: 200 }, ['user', 'guard'])
	const [user, setUser] = useState(String(me.id))
	const [from, setFrom] = useState('')
	const [until, setUntil] = useState(toInput(addDays(startOfDay(serverNow()), 1) + 9 * HOUR))
	const [reason, setReason] = useState('')
	const [problem, setProblem] = useState<Problem>()
	const people = users.data?.items.filter((u) => !u.disabled) ?? [me]
	const submit = async (event: Event) => {
		event.preventDefault()
		try {
			await call('override_create', { name: schedule.name }, {
				user: Number(user), until: toServer(new Date(until).getTime()),
				...(from ? { from: toServer(new Date(from).getTime()) } : {}), ...(reason.trim() ? { reason: reason.trim() } : {}),
			})
			say(Number(user) === me.id ? 'You have it' : 'It is given')
			onClose()
			await onDone()
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<Dialog title={`Take ${schedule.name}`} onClose={onClose}>
			<form class="form two" onSubmit={submit}>
				{problem && <div class="whole"><ProblemFace problem={problem} /></div>}
				<Field label="Who takes it" whole>
					<Select value={user} onInput={setUser} options={may('manage') ? people.map((u) => [String(u.id), u.id === me.id ? `${u.name} (you)` : u.name] as const) : [[String(me.id), `${me.name} (you)`]]} />
				</Field>
				<Field label="From" optional about="Empty: from now on."><Text type="datetime-local" value={from} onInput={setFrom} /></Field>
				<Field label="Until" about="Your own clock."><Text type="datetime-local" value={until} onInput={setUntil} /></Field>
				<Field label="Why" optional whole><Text value={reason} onInput={setReason} placeholder="Ada is at the dentist" /></Field>
				<div class="actions whole"><Button kind="primary" type="submit" disabled={!until}>Take it</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}
