import { useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { Level, Problem, Visibility } from '../../api/contract'
import { go } from '../../lib/route'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Select, Text } from '../../ui/Field'
import { ProblemFace } from '../../ui/Loaded'

const levels = [['', 'As the service says'], ['high', 'High'], ['medium', 'Medium'], ['low', 'Low']] as const

/** An incident by hand: a title is enough. */
export function Declare({ onClose }: { onClose: () => void }) {
	const services = useData('service_list', { limit: 200 }, ['definition', 'resource'])
	const [title, setTitle] = useState('')
	const [service, setService] = useState('')
	const [impact, setImpact] = useState('')
	const [urgency, setUrgency] = useState('')
	const [visibility, setVisibility] = useState('everyone')
	const [problem, setProblem] = useState<Problem>()
	const submit = async (event: Event) => {
		event.preventDefault()
		try {
			const made = await call('incident_create', {}, {
				title: title.trim(), ...(service ? { service } : {}), ...(impact ? { impact: impact as Level } : {}), ...(urgency ? { urgency: urgency as Level } : {}),
				visibility: visibility as Visibility,
			})
			onClose()
			go(`/incidents/${made.id}`)
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<Dialog title="Declare an incident" onClose={onClose}>
			<form class="form two" onSubmit={submit}>
				{problem && <div class="whole"><ProblemFace problem={problem} /></div>}
				<Field label="What is broken, for whom" whole about="One line; it is the first thing read on a lock screen."><Text value={title} onInput={setTitle} required maxLength={200} autofocus /></Field>
				<Field label="Service" whole optional>
					<Select value={service} onInput={setService} options={[['', 'None'], ...(services.data?.items ?? []).map((s) => [s.name, s.display] as const)]} />
				</Field>
				<Field label="Impact"><Select value={impact} onInput={setImpact} options={levels} /></Field>
				<Field label="Urgency"><Select value={urgency} onInput={setUrgency} options={levels} /></Field>
				<Field label="Who may see it" whole><Select value={visibility} onInput={setVisibility} options={[['everyone', 'Everyone here'], ['team', 'The team alone'], ['private', 'Only who is on it']]} /></Field>
				<div class="actions whole"><Button kind="primary" type="submit" disabled={!title.trim()}>Declare and page</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}
