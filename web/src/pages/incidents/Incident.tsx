// One incident: what it is, who is on it, what can be done, why it has its priority, and everything that happened.
import { useRef, useState } from 'preact/hooks'
import { actOnIncident } from '../../api/act'
import { call, problemFrom, session } from '../../api/client'
import { useData } from '../../api/data'
import type { Incident as Data, IncidentRow, TimelineItem } from '../../api/contract'
import { useKeys } from '../../lib/keys'
import { may } from '../../lib/may'
import { complain } from '../../lib/toast'
import { plural, sentenceCase } from '../../lib/words'
import { durationText } from '../../lib/time'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Text } from '../../ui/Field'
import { Loaded, ProblemFace } from '../../ui/Loaded'
import { Matrix } from '../../ui/Matrix'
import { Page } from '../../ui/Page'
import { Person } from '../../ui/Person'
import { Skeleton } from '../../ui/Skeleton'
import { AlertBadge, IncidentBadge, PriorityBadge } from '../../ui/State'
import { Countdown, Time } from '../../ui/Time'
import { People } from '../reports/People'
import { acknowledge, resolve } from './acknowledge'
import { ChangePriority } from './ChangePriority'
import { EscalationSteps } from './EscalationSteps'
import { Pages } from './Pages'
import { TellPeople } from './TellPeople'
import { Timeline } from './Timeline'

const rooms = ['incident', 'escalation', 'page', 'delivery', 'alert', 'update']
type Ask = 'resolve' | 'priority' | 'title' | undefined

function Situation({ incident }: { incident: Data }) {
	const mine = incident.acknowledged_by?.id === session.value!.user.id
	return (
		<div class="situation">
			<div><span class="label">State</span><IncidentBadge state={incident.state} pill /></div>
			<div><span class="label">Opened</span><span><Time at={incident.opened_at} /></span></div>
			{incident.resolved_at
				? <div><span class="label">Resolved</span><span><Time at={incident.resolved_at} /> <span class="quiet">after {durationText(Date.parse(incident.resolved_at) - Date.parse(incident.opened_at))}</span></span></div>
				: <div><span class="label">Who has it</span>{incident.acknowledged_by ? <Person user={incident.acknowledged_by} /> : <strong class="s-down">nobody yet</strong>}</div>}
			{incident.state === 'open' && incident.next_page_at && <div><span class="label">Next page in</span><Countdown until={incident.next_page_at} /></div>}
			{incident.state === 'acknowledged' && incident.ack_until && <div><span class="label">{mine ? 'You are asked again in' : 'They are asked again in'}</span><Countdown until={incident.ack_until} /></div>}
			<div><span class="label">Service</span>{incident.service ? <a href={`/services/${incident.service}`}>{incident.service}</a> : <span class="quiet">none</span>}</div>
			{incident.team && <div><span class="label">Team</span>{incident.team}</div>}
			{incident.visibility !== 'everyone' && <div><span class="label">Seen by</span>{incident.visibility}</div>}
		</div>
	)
}

function Acts({ incident, ask, show }: { incident: Data, ask: (what: Ask) => void, show: (change: (row: IncidentRow) => IncidentRow) => void }) {
	const mine = incident.acknowledged_by?.id === session.value!.user.id
	const escalate = () => actOnIncident('incident_escalate', incident.id, {}, 'The next step is paged')
	const acts = []
	if (incident.state === 'open') acts.push(<Button key="a" kind="primary" size="large" icon="check" onClick={() => acknowledge(incident, show)}>Acknowledge</Button>)
	if (incident.state === 'acknowledged') acts.push(<Button key="a" size="large" onClick={() => acknowledge(incident, show)}>{mine ? 'Still on it' : 'Take it over'}</Button>)
	if (incident.state !== 'resolved') {
		acts.push(<Button key="r" size="large" {...(incident.state === 'acknowledged' ? { kind: 'primary' as const } : {})} onClick={() => ask('resolve')}>Resolve</Button>)
		acts.push(<Button key="e" size="large" icon="up" onClick={escalate} title="Page the next step now">Escalate now</Button>)
	} else {
		acts.push(<Button key="o" size="large" icon="undo" onClick={() => actOnIncident('incident_reopen', incident.id, {}, 'Open again')}>Reopen</Button>)
	}
	return <div class="acts">{acts}</div>
}

function Composer({ id, focus }: { id: number, focus: { current: HTMLTextAreaElement | null } }) {
	const [text, setText] = useState('')
	const send = async () => {
		if (text.trim() && await actOnIncident('incident_note', id, { text: text.trim() }, 'Noted')) setText('')
	}
	return (
		<form class="composer" onSubmit={(e) => { e.preventDefault(); void send() }}>
			<textarea ref={focus} class="input" rows={2} aria-label="Note for the timeline" placeholder="What you see, what you try, what it did" value={text}
				onInput={(e) => setText((e.target as HTMLTextAreaElement).value)} onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey)) void send(); if (e.key === 'Escape') focus.current?.blur() }} />
			<Button icon="note" disabled={!text.trim()} onClick={send}>Add note</Button>
		</form>
	)
}

function Why({ incident, ask }: { incident: Data, ask: (what: Ask) => void }) {
	const { why } = incident
	return (
		<section class="card">
			<header><h2>Why {incident.priority}</h2>{may('respond') && <Button size="small" icon="edit" onClick={() => ask('priority')}>Change</Button>}</header>
			<div class="stack">
				<Matrix matrix={why.matrix} here={why.cell} />
				<dl class="facts">
					<dt>Impact</dt><dd><strong>{sentenceCase(why.impact)}:</strong> {why.impact_reason}</dd>
					<dt>Urgency</dt><dd><strong>{sentenceCase(why.urgency)}:</strong> {why.urgency_reason}</dd>
				</dl>
			</div>
		</section>
	)
}

/** What an event of another program brought beside its summary. Pictures are links: nothing is loaded from elsewhere. */
function Brought({ annotations }: { annotations: Record<string, string> }) {
	const of = (prefix: string) => Object.keys(annotations).filter((k) => k.startsWith(prefix)).sort().map((k) => annotations[k]!)
	const links = [...of('link_'), ...of('image_')].map((text) => { const at = text.indexOf(' '); return at < 0 ? [text, text] as const : [text.slice(0, at), text.slice(at + 1)] as const })
	const details = of('detail_')
	return (
		<>
			{links.length > 0 && <div class="row">{links.map(([url, text], i) => <a key={i} href={url} rel="noreferrer noopener" target="_blank">{text}</a>)}</div>}
			{details.length > 0 && <details><summary>{plural(details.length, 'detail')}</summary><pre class="small" tabIndex={0}>{details.join('\n')}</pre></details>}
		</>
	)
}

function Alerts({ incident }: { incident: Data }) {
	if (incident.alerts.length === 0) return <p class="small soft">No alert belongs to it; it was declared by hand.</p>
	return (
		<ul class="rows">
			{incident.alerts.map((alert) => (
				<li key={alert.id} class="stack tight small">
					<div class="row"><span class="grow">{alert.check ? <a href={`/checks/${alert.check}`}><strong>{alert.name}</strong></a> : <strong>{alert.name}</strong>}</span><AlertBadge state={alert.state} /></div>
					{alert.summary && <div class="soft">{alert.summary}</div>}
					{(alert.runbook_url || alert.generator_url) && <div class="row">
						{alert.runbook_url && <a href={alert.runbook_url} rel="noreferrer noopener" target="_blank">Runbook</a>}
						{alert.generator_url && <a href={alert.generator_url} rel="noreferrer noopener" target="_blank">Where it comes from</a>}
					</div>}
					{alert.source === 'pagerduty' && <Brought annotations={alert.annotations} />}
					<div class="quiet">since <Time at={alert.started_at} /></div>
				</li>
			))}
		</ul>
	)
}

function ResolveDialog({ incident, show, onClose }: { incident: Data, show: (change: (row: IncidentRow) => IncidentRow) => void, onClose: () => void }) {
	const [reason, setReason] = useState('')
	const firing = incident.alerts_firing
	const submit = (event: Event) => { event.preventDefault(); onClose(); void resolve(incident, reason.trim(), show) }
	return (
		<Dialog title="Resolve the incident" onClose={onClose}>
			<form class="form" onSubmit={submit}>
				{firing > 0 && <p class="small"><strong>{firing === 1 ? 'One alert still fires.' : `${firing} alerts still fire.`}</strong> If it is not over, Mainstay opens a new incident when the check fails again.</p>}
				<Field label="What fixed it" optional><Text value={reason} onInput={setReason} lines={3} autofocus /></Field>
				<div class="actions"><Button kind="primary" type="submit">Resolve</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function TitleDialog({ incident, onClose }: { incident: Data, onClose: () => void }) {
	const [title, setTitle] = useState(incident.title)
	const submit = async (event: Event) => {
		event.preventDefault()
		if (await actOnIncident('incident_retitle', incident.id, { title: title.trim() }, 'The title is changed')) onClose()
	}
	return (
		<Dialog title="Change the title" onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<Field label="Title" about="What is broken, for whom."><Text value={title} onInput={setTitle} maxLength={200} autofocus /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!title.trim() || title === incident.title}>Change</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function TimelineSection({ id, note }: { id: number, note: { current: HTMLTextAreaElement | null } }) {
	const timeline = useData('incident_timeline', { id, limit: 200 }, rooms)
	const [rest, setRest] = useState<{ items: TimelineItem[], next: string | null }>()
	const next = rest ? rest.next : timeline.data?.next ?? null
	const more = async () => {
		try {
			const page = await call('incident_timeline', { id, limit: 200, cursor: next! })
			setRest({ items: [...rest?.items ?? [], ...page.items], next: page.next })
		} catch (error) { complain(problemFrom(error)) }
	}
	return (
		<section class="section">
			<header><h2>Timeline</h2></header>
			{may('respond') && <Composer id={id} focus={note} />}
			<div aria-live="polite">
				<Loaded of={timeline} skeleton={<Skeleton lines={6} height={32} />}>{(data) => <Timeline items={[...data.items, ...rest?.items ?? []]} />}</Loaded>
			</div>
			{next && <div class="more"><Button onClick={more}>What came after</Button></div>}
		</section>
	)
}

function Body({ incident, ask, note, show }: { incident: Data, ask: (what: Ask) => void, note: { current: HTMLTextAreaElement | null }, show: (change: (row: IncidentRow) => IncidentRow) => void }) {
	return (
		<div class="columns">
			<div class="stack wide">
				<div class="card"><Situation incident={incident} />{may('respond') && <Acts incident={incident} ask={ask} show={show} />}
					{incident.resolve_reason && <p class="small"><span class="quiet">Resolved because:</span> {incident.resolve_reason}</p>}
				</div>
				<TellPeople incident={incident} />
				<TimelineSection id={incident.id} note={note} />
			</div>
			<aside class="stack" aria-label="Why, who was paged, alerts">
				{incident.escalation && <section class="card"><header><h2>Escalation</h2></header><EscalationSteps escalation={incident.escalation} /></section>}
				<People incident={incident.id} />
				<section class="card"><header><h2>Pages</h2></header><Pages pages={incident.pages} /></section>
				<Why incident={incident} ask={ask} />
				<section class="card"><header><h2>Alerts</h2></header><Alerts incident={incident} /></section>
			</aside>
		</div>
	)
}

export default function Incident({ params }: { params: Record<string, string> }) {
	const id = Number(params['id'])
	if (!Number.isSafeInteger(id) || id < 1) {
		return <Page title="Incident"><ProblemFace problem={{ type: 'about:blank', title: 'Not found', status: 404, request_id: '', detail: `"${params['id']}" is not the number of an incident.` }} /></Page>
	}
	return <Known id={id} />
}

function Known({ id }: { id: number }) {
	const [ask, setAsk] = useState<Ask>()
	const note = useRef<HTMLTextAreaElement>(null)
	const data = useData('incident_get', { id }, rooms)
	const incident = data.data
	const show = (change: (row: IncidentRow) => IncidentRow) => data.mutate((now) => ({ ...now, ...change(now) }))
	const close = () => setAsk(undefined)
	useKeys([
		{ keys: 'a', about: 'Acknowledge', run: () => incident && incident.state !== 'resolved' && may('respond') && acknowledge(incident, show) },
		{ keys: 'r', about: 'Resolve', run: () => incident && incident.state !== 'resolved' && may('respond') && setAsk('resolve') },
		{ keys: 'n', about: 'Write a note', run: () => note.current?.focus() },
		{ keys: 'p', about: 'Change the priority', run: () => may('respond') && setAsk('priority') },
		{ keys: 'e', about: 'Escalate now', run: () => incident && incident.state !== 'resolved' && may('respond') && actOnIncident('incident_escalate', id, {}, 'The next step is paged') },
	], [incident?.state, id])
	return (
		<Page name={incident ? `#${id} ${incident.title}` : `Incident ${id}`} crumb={{ href: '/incidents', text: 'Incidents' }}
			title={incident ? <span class="incident-title"><PriorityBadge priority={incident.priority} big /><span>{incident.title}</span></span> : `Incident ${id}`}
			sub={<span>Incident #{id}{incident && may('respond') && <> · <button type="button" class="linklike" onClick={() => setAsk('title')}>change the title</button></>}</span>}>
			<Loaded of={data} skeleton={<div class="columns"><Skeleton lines={8} height={36} /><Skeleton lines={6} height={48} /></div>}>
				{(now) => <Body incident={now} ask={setAsk} note={note} show={show} />}
			</Loaded>
			{incident && ask === 'priority' && <ChangePriority incident={incident} onClose={close} />}
			{incident && ask === 'resolve' && <ResolveDialog incident={incident} show={show} onClose={close} />}
			{incident && ask === 'title' && <TitleDialog incident={incident} onClose={close} />}
		</Page>
	)
}
