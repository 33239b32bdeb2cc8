// Ways in: what to paste where so that another program tells of what it finds, when something came by each way last, and
// what was refused.
import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call, problemFrom } from '../../api/client'
import type { Integration, Problem, WayIn } from '../../api/contract'
import { useData } from '../../api/data'
import { say } from '../../lib/toast'
import { plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Empty } from '../../ui/Empty'
import { Field, Select, Text } from '../../ui/Field'
import { Loaded, ProblemFace } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'
import { Secret } from './Users'

const rooms = ['integration', 'alert', 'definition', 'check'] as const

function Paste({ what, text }: { what: string, text: string }) {
	const copy = async () => {
		try { await navigator.clipboard.writeText(text); say('Copied') } catch { say('Mark it and copy it by hand') }
	}
	return (
		<div class="stack tight">
			<p class="small soft">{what}</p>
			<pre class="message" tabIndex={0}>{text}</pre>
			<div class="actions"><Button size="small" icon="copy" onClick={copy}>Copy</Button></div>
		</div>
	)
}

function Way({ title, way, children }: { title: string, way: WayIn, children: ComponentChildren }) {
	return (
		<section class="card">
			<header><h2>{title}</h2><span class="small soft">{way.heard_at ? <>last came in <Time at={way.heard_at} only="relative" /></> : 'nothing came in since the server started'}</span></header>
			<div class="stack">
				{way.refused_at && <Notice tone="warn" what={<>Refused <Time at={way.refused_at} only="relative" /></>}>{way.refused}</Notice>}
				{children}
			</div>
		</section>
	)
}

function prometheus(url: string): string {
	const at = new URL(url)
	const scheme = at.protocol === 'https:' ? '\n      scheme: https' : ''
	return `alerting:\n  alertmanagers:\n    - authorization: {credentials: THE-TOKEN}${scheme}\n      static_configs:\n        - targets: ['${at.host}']`
}

function event(url: string): string {
	return `curl -fsS ${url} -H 'Content-Type: application/json' -d '{\n  "routing_key": "THE-KEY", "event_action": "trigger", "dedup_key": "disk-web1",\n  "payload": {"summary": "disk of web1 is full", "source": "web1", "severity": "critical"}}'`
}

function Make({ onClose, onMade }: { onClose: () => void, onMade: (key: string) => unknown }) {
	const services = useData('service_list', { limit: 200 }, ['definition'])
	const [name, setName] = useState('')
	const [service, setService] = useState('')
	const [problem, setProblem] = useState<Problem>()
	const names = services.data?.items.map((s) => s.name) ?? []
	const submit = async (sent: Event) => {
		sent.preventDefault()
		try {
			const made = await call('integration_create', {}, { name: name.trim(), service: service || names[0]! })
			onClose()
			await onMade(made.routing_key)
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<Dialog title="Make an integration" onClose={onClose}>
			{services.data && names.length === 0 ? <Empty small title="No service yet">An event is about a service. <a href="/services/new">Add one first.</a></Empty> : (
				<form class="form" onSubmit={submit}>
					{problem && <ProblemFace problem={problem} />}
					<Field label="Which program sends"><Text value={name} onInput={setName} placeholder="Datadog" maxLength={100} autofocus /></Field>
					<Field label="Its events are about"><Select value={service || names[0] || ''} onInput={setService} options={names.map((n) => [n, n] as const)} /></Field>
					<div class="actions"><Button kind="primary" type="submit" disabled={!name.trim() || names.length === 0}>Make it</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
				</form>
			)}
		</Dialog>
	)
}

function Row({ row, onKey, onDone }: { row: Integration, onKey: (key: string) => void, onDone: () => unknown }) {
	const [asks, setAsks] = useState<'rotate' | 'revoke'>()
	const test = () => attempt(async () => { await call('integration_test', { id: row.id }); await onDone() }, `A test event of ${row.service} was taken; it ends by itself in a minute`)
	const go = async () => {
		const what = asks
		setAsks(undefined)
		if (what === 'revoke') await attempt(async () => { await call('integration_delete', { id: row.id }); await onDone() }, 'Revoked')
		else await attempt(async () => { onKey((await call('integration_rotate', { id: row.id })).routing_key); await onDone() })
	}
	return (
		<tr>
			<td class="what"><strong>{row.name}</strong><div class="quiet"><a href={`/services/${row.service}`}>{row.service}</a>{row.made_by && <> · takes in the name of {row.made_by.name}</>}</div>{row.refused && <div class="quiet">Refused: {row.refused}</div>}</td>
			<td>{row.heard_at ? <><Time at={row.heard_at} only="relative" /><div class="quiet">{plural(row.events, 'event')}</div></> : <span class="quiet">nothing yet</span>}</td>
			<td>{row.refused_at ? <Time at={row.refused_at} only="relative" /> : <span class="quiet">nothing</span>}</td>
			<td class="right">
				<Button size="small" icon="play" onClick={test}>Test</Button> <Button size="small" onClick={() => setAsks('rotate')}>New key</Button> <Button size="small" kind="plain" icon="trash" label={`Revoke ${row.name}`} onClick={() => setAsks('revoke')} />
				{asks && <Dialog title={asks === 'revoke' ? `Revoke ${row.name}?` : `A new key for ${row.name}?`} onClose={() => setAsks(undefined)}>
					<p>The key it has now is refused at once. {asks === 'revoke' ? 'What it brought stays.' : 'Paste the new one into the program that sends.'}</p>
					<div class="actions"><Button kind={asks === 'revoke' ? 'danger' : 'primary'} onClick={go}>{asks === 'revoke' ? 'Revoke' : 'Make a new key'}</Button><Button kind="plain" onClick={() => setAsks(undefined)}>Keep</Button></div>
				</Dialog>}
			</td>
		</tr>
	)
}

function Keys() {
	const list = useData('integration_list', { limit: 200 }, rooms)
	const [making, setMaking] = useState(false)
	const [key, setKey] = useState<string>()
	return (
		<>
			<div class="actions"><Button icon="plus" onClick={() => setMaking(true)}>Make an integration</Button></div>
			<Loaded of={list}>
				{(data) => (data.items.length === 0 ? <Empty small title="No integration">Each has a key of its own and brings events of one service.</Empty> : (
					<Wide of="Integrations"><table class="table">
						<thead><tr><th>Integration</th><th>Last event</th><th>Last refused</th><th><span class="hidden-text">Acts</span></th></tr></thead>
						<tbody>{data.items.map((row) => <Row key={row.id} row={row} onKey={setKey} onDone={() => list.refetch()} />)}</tbody>
					</table></Wide>
				))}
			</Loaded>
			{making && <Make onClose={() => setMaking(false)} onMade={(made) => { setKey(made); return list.refetch() }} />}
			{key && <Dialog title="The routing key" onClose={() => setKey(undefined)}><Secret text={key} about="It is shown this once. Paste it where the program that sends asks for an integration or routing key." /></Dialog>}
		</>
	)
}

export function WaysIn() {
	const ways = useData('ways_in_get', {}, rooms)
	return (
		<Loaded of={ways}>
			{(data) => (
				<div class="stack wide">
					<Way title="Prometheus and Alertmanager" way={data.alertmanager}>
						<Paste what="In prometheus.yml, with a token of scope act:" text={prometheus(data.alertmanager.url)} />
						<p class="small soft">Make the token in <a href="/settings/tokens">API tokens</a>. A label <code>service</code> with the name of a service brings its team and policy.</p>
					</Way>
					<Way title="Events of PagerDuty's clients" way={data.pagerduty}>
						<Keys />
						<Paste what="Programs that can page by PagerDuty's Events API v2 ask for an address and a key. By hand:" text={event(data.pagerduty.url)} />
					</Way>
					<section class="card">
						<header><h2>Jobs that call</h2></header>
						{data.heartbeats.length === 0 ? <Empty small title="No heartbeat">A job calls when it has run, and is missed when it does not. <a href="/checks/new">Add a check</a> of kind heartbeat.</Empty> : (
							<Wide of="Heartbeats"><table class="table">
								<thead><tr><th>Check</th><th>Calls every</th><th>Last call</th></tr></thead>
								<tbody>{data.heartbeats.map((h) => <tr key={h.check}><td><a href={`/checks/${h.check}`}>{h.check}</a></td><td>{h.every}</td><td>{h.heard_at ? <Time at={h.heard_at} only="relative" /> : <span class="quiet">{h.address_made ? 'not called yet' : 'has no address yet'}</span>}</td></tr>)}</tbody>
							</table></Wide>
						)}
						<p class="small soft">Each has an address of its own, made on the page of the check.</p>
					</section>
				</div>
			)}
		</Loaded>
	)
}
