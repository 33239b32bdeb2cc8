// Planned work: announce it, see what runs, say how it goes. Pages about its services are held back while it runs.
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import { useData } from '../../api/data'
import type { MaintenanceRow, MaintenanceState } from '../../api/contract'
import { may } from '../../lib/may'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Text, Tick } from '../../ui/Field'
import { Loaded } from '../../ui/Loaded'
import { Time } from '../../ui/Time'

const words: Record<MaintenanceState, string> = { scheduled: 'Scheduled', in_progress: 'In progress', verifying: 'Verifying', completed: 'Completed', cancelled: 'Cancelled' }
type Move = 'in_progress' | 'verifying' | 'completed' | 'cancelled'
const moves: Record<MaintenanceState, [Move, string][]> = {
	scheduled: [['in_progress', 'Begin now'], ['cancelled', 'Cancel it']],
	in_progress: [['verifying', 'Verify'], ['completed', 'Complete']],
	verifying: [['completed', 'Complete']], completed: [], cancelled: [],
}

const soon = (minutes: number) => {
	const at = new Date(Math.ceil(Date.now() / 300000) * 300000 + minutes * 60000)
	return new Date(at.getTime() - at.getTimezoneOffset() * 60000).toISOString().slice(0, 16)
}
const utc = (local: string) => new Date(local).toISOString().replace('.000Z', 'Z')

function Announce({ onClose }: { onClose: () => void }) {
	const services = useData('service_list', { limit: 200 }, ['definition'])
	const [title, setTitle] = useState('')
	const [text, setText] = useState('')
	const [chosen, setChosen] = useState<string[]>([])
	const [from, setFrom] = useState(soon(24 * 60))
	const [until, setUntil] = useState(soon(25 * 60))
	const [mute, setMute] = useState(true)
	const [open, setOpen] = useState(true)
	const send = async (event: Event) => {
		event.preventDefault()
		const body = { title: title.trim(), text: text.trim(), services: chosen, from: utc(from), until: utc(until), mute, public: open }
		if (await attempt(() => call('maintenance_create', {}, body), 'Announced')) onClose()
	}
	return (
		<Dialog title="Announce maintenance" onClose={onClose}>
			<form class="form" onSubmit={send}>
				<Field label="Title"><Text value={title} onInput={setTitle} maxLength={120} autofocus /></Field>
				<Field label="What people will notice" optional about="Markdown."><Text value={text} onInput={setText} lines={4} /></Field>
				<fieldset class="stack tight"><legend>Services</legend>
					{(services.data?.items ?? []).map((s) => <Tick key={s.name} checked={chosen.includes(s.name)} onInput={(on) => setChosen(on ? [...chosen, s.name] : chosen.filter((c) => c !== s.name))}>{s.display || s.name}</Tick>)}
				</fieldset>
				<div class="pair">
					<Field label="From" about="In your time."><Text type="datetime-local" value={from} onInput={setFrom} /></Field>
					<Field label="Until"><Text type="datetime-local" value={until} onInput={setUntil} /></Field>
				</div>
				<Tick checked={mute} onInput={setMute}>Hold back pages about these services while it runs</Tick>
				<Tick checked={open} onInput={setOpen}>Announce it on status pages</Tick>
				<div class="actions"><Button kind="primary" type="submit" disabled={!title.trim() || chosen.length === 0 || !from || !until}>Announce</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Row({ row }: { row: MaintenanceRow }) {
	return (
		<li class="row small">
			<div class="grow stack tight">
				<span><strong>{row.title}</strong> <span class={row.state === 'in_progress' || row.state === 'verifying' ? 's-taken' : 'quiet'}>{words[row.state]}</span></span>
				<span class="quiet"><Time at={row.from} /> to <Time at={row.until} /> · {row.services.join(', ')}{!row.public && ' · not public'}{!row.mute && ' · pages as usual'}</span>
			</div>
			{may('respond') && moves[row.state].map(([to, text]) => <Button key={to} size="small" onClick={() => attempt(() => call('maintenance_move', { id: row.id }, { to }), 'Done')}>{text}</Button>)}
		</li>
	)
}

export function Maintenance() {
	const [asking, setAsking] = useState(false)
	const list = useData('maintenance_list', { limit: 20 }, ['maintenance'])
	return (
		<section class="card">
			<header><h2>Maintenance</h2>{may('respond') && <Button size="small" icon="note" onClick={() => setAsking(true)}>Announce</Button>}</header>
			<Loaded of={list}>
				{(data) => (data.items.length === 0 ? <p class="small soft">No work is planned.</p> : <ul class="rows">{data.items.map((row) => <Row key={row.id} row={row} />)}</ul>)}
			</Loaded>
			{asking && <Announce onClose={() => setAsking(false)} />}
		</section>
	)
}
