// Status pages: what each says now, statuses set by hand, planned work. What the public sees is one click away.
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import { useData } from '../../api/data'
import type { ComponentStatus, StatusPageRow } from '../../api/contract'
import { may } from '../../lib/may'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Empty } from '../../ui/Empty'
import { Field, Select, Text } from '../../ui/Field'
import { Loaded } from '../../ui/Loaded'
import { Page } from '../../ui/Page'
import { Skeleton } from '../../ui/Skeleton'
import { Time } from '../../ui/Time'
import { statuses } from '../incidents/TellPeople'
import { Maintenance } from './Maintenance'

const rooms = ['definition', 'resource', 'incident', 'update', 'maintenance', 'component']
const tones: Record<StatusPageRow['indicator'], string> = { none: 's-up', minor: 's-degraded', major: 's-down', critical: 's-down', maintenance: 's-taken' }

function Row({ row }: { row: StatusPageRow }) {
	return (
		<li class="row">
			<div class="grow stack tight">
				<strong>{row.title}</strong>
				<span class="small"><span class={tones[row.indicator]}>{row.description}</span> <span class="quiet">· {row.components} {row.components === 1 ? 'component' : 'components'} · {row.private ? 'private' : 'public'}{row.home && ' · home page'}</span></span>
			</div>
			<a class="button small" href={row.path} target="_blank" rel="noopener">See it</a>
			{may('manage') && <a class="button small" href={`/definitions/StatusPage/${row.name}/edit`}>Edit</a>}
		</li>
	)
}

function Override({ onClose }: { onClose: () => void }) {
	const services = useData('service_list', { limit: 200 }, ['definition'])
	const [service, setService] = useState('')
	const [status, setStatus] = useState<ComponentStatus>('degraded_performance')
	const [span, setSpan] = useState('1h')
	const [reason, setReason] = useState('')
	const send = async (event: Event) => {
		event.preventDefault()
		if (await attempt(() => call('component_override', {}, { service, status, for: span, reason: reason.trim() }), 'Set; it ends by itself')) onClose()
	}
	return (
		<Dialog title="Set a status by hand" onClose={onClose}>
			<form class="form" onSubmit={send}>
				<Field label="Service"><Select value={service} onInput={setService} options={[['', 'choose one'], ...(services.data?.items ?? []).map((s) => [s.name, s.display || s.name] as const)]} /></Field>
				<div class="pair">
					<Field label="Shown as"><Select value={status} onInput={(v) => setStatus(v as ComponentStatus)} options={statuses} /></Field>
					<Field label="For"><Select value={span} onInput={setSpan} options={[['30m', '30 minutes'], ['1h', 'an hour'], ['4h', '4 hours'], ['1d', 'a day'], ['7d', 'a week']]} /></Field>
				</div>
				<Field label="Why" about="Others read it in the journal; customers do not."><Text value={reason} onInput={setReason} maxLength={500} /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!service || !reason.trim()}>Set</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Overrides() {
	const [asking, setAsking] = useState(false)
	const list = useData('component_list', {}, ['component'])
	return (
		<section class="card">
			<header><h2>Set by hand</h2>{may('respond') && <Button size="small" icon="edit" onClick={() => setAsking(true)}>Set a status</Button>}</header>
			<Loaded of={list}>
				{(data) => (data.items.length === 0 ? <p class="small soft">Every component shows what incidents, alerts and planned work say.</p> : (
					<ul class="rows">{data.items.map((row) => (
						<li key={row.id} class="row small">
							<span class="grow"><strong>{row.service}</strong>: {statuses.find(([key]) => key === row.status)![1]} <span class="quiet">until <Time at={row.until} />. {row.reason}</span></span>
							{may('respond') && <Button size="small" onClick={() => attempt(() => call('component_release', { id: row.id }), 'As measured again')}>End</Button>}
						</li>
					))}</ul>
				))}
			</Loaded>
			{asking && <Override onClose={() => setAsking(false)} />}
		</section>
	)
}

export default function StatusPages() {
	const list = useData('status_list', {}, rooms)
	const make = may('manage') ? <a class="button primary" href="/definitions/StatusPage/new/edit">New status page</a> : undefined
	return (
		<Page title="Status pages" sub="What others may know, while you work on it." actions={make}>
			<div class="stack">
				<Loaded of={list} skeleton={<Skeleton lines={3} height={52} />}>
					{(data) => (data.items.length === 0
						? <Empty icon="services" title="No status page yet" {...(make ? { action: make } : {})}>A status page shows chosen services under the names customers know, and the updates you write for them. It stands even while Mainstay itself is in trouble.</Empty>
						: <section class="card"><header><h2>Pages</h2></header><ul class="rows">{data.items.map((row) => <Row key={row.name} row={row} />)}</ul></section>)}
				</Loaded>
				<Maintenance />
				<Overrides />
			</div>
		</Page>
	)
}
