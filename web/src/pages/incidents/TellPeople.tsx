// Telling people: what is owed and when, a draft with gentle hints beside it, how it will look, what was said before.
import { useEffect, useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import { useData } from '../../api/data'
import type { Audience, ComponentStatus, Incident, Update, UpdateState } from '../../api/contract'
import { may } from '../../lib/may'
import { offerUndo } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Select, Text } from '../../ui/Field'
import { Loaded } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Time } from '../../ui/Time'

const rooms = ['incident', 'update', 'rating']
const audiences: [Audience, string][] = [['customers', 'Customers (public)'], ['executives', 'Executives'], ['engineers', 'Engineers']]
const states: [UpdateState, string][] = [['investigating', 'Investigating'], ['identified', 'Identified'], ['monitoring', 'Monitoring'], ['resolved', 'Resolved']]
export const statuses: [ComponentStatus, string][] = [['operational', 'Operational'], ['degraded_performance', 'Degraded performance'], ['partial_outage', 'Partial outage'], ['major_outage', 'Major outage'], ['under_maintenance', 'Under maintenance']]

const localTime = (at: string | null) => (at ? new Date(Date.parse(at) - new Date(at).getTimezoneOffset() * 60000).toISOString().slice(0, 16) : '')
const utc = (local: string) => (local ? new Date(local).toISOString().replace('.000Z', 'Z') : undefined)

interface Draft { audience: Audience, state: UpdateState, title: string, text: string, status: ComponentStatus | '', next: string }

/** The body that both the check and the post take. */
function bodyOf(draft: Draft, service: string | null) {
	return {
		audience: draft.audience, state: draft.state, text: draft.text.trim(),
		...(draft.audience === 'customers' && draft.title.trim() ? { title: draft.title.trim() } : {}),
		...(service && draft.status ? { components: [{ service, status: draft.status }] } : {}),
		...(draft.next && draft.state !== 'resolved' ? { next_at: utc(draft.next)! } : {}),
	}
}

interface Look { hints: { code: string, text: string }[], html: string }

/** Asks what the draft lacks a moment after the last key. */
function useLook(id: number, draft: Draft, service: string | null): Look {
	const [look, setLook] = useState<Look>({ hints: [], html: '' })
	const key = JSON.stringify(draft)
	useEffect(() => {
		if (!draft.text.trim()) { setLook({ hints: [], html: '' }); return }
		let gone = false
		const timer = setTimeout(() => {
			call('update_check', { id }, bodyOf(draft, service)).then((found) => { if (!gone) setLook(found) }, () => undefined)
		}, 400)
		return () => { gone = true; clearTimeout(timer) }
	}, [id, key])
	return look
}

function Compose({ incident, onClose }: { incident: Incident, onClose: () => void }) {
	const open = incident.visibility === 'everyone'
	const [draft, setDraft] = useState<Draft>({ audience: open ? 'customers' : 'engineers', state: incident.state === 'resolved' ? 'resolved' : 'investigating', title: '', text: '', status: '', next: '' })
	const [written, setWritten] = useState('')
	const look = useLook(incident.id, draft, incident.service)
	const put = (change: Partial<Draft>) => setDraft((now) => ({ ...now, ...change }))
	useEffect(() => {
		let gone = false
		call('update_draft', { id: incident.id, audience: draft.audience, state: draft.state }).then((words) => {
			// What the person has written stays; only words of a template give way to those of another.
			if (!gone) setDraft((now) => ({ ...now, next: localTime(words.next_at), ...(now.text === '' || now.text === written ? { text: words.text } : {}) }))
			if (!gone) setWritten(words.text)
		}, () => undefined)
		return () => { gone = true }
	}, [draft.audience, draft.state])
	const send = async (event: Event) => {
		event.preventDefault()
		const update = await attempt(() => call('update_create', { id: incident.id }, bodyOf(draft, incident.service)))
		if (!update) return
		onClose()
		offerUndo('The update goes out in ten seconds', Date.parse(update.public_at), () => attempt(() => call('update_withdraw', { id: incident.id, update: update.id }), 'Taken back'))
	}
	return (
		<Dialog title="Tell people" onClose={onClose}>
			<form class="form" onSubmit={send}>
				<div class="pair">
					<Field label="For"><Select value={draft.audience} onInput={(v) => put({ audience: v as Audience })} options={open ? audiences : audiences.slice(1)} /></Field>
					<Field label="State"><Select value={draft.state} onInput={(v) => put({ state: v as UpdateState })} options={states} /></Field>
				</div>
				{draft.audience === 'customers' && <Field label="Title" optional about="What customers read; as before, or “Problem with” the service."><Text value={draft.title} onInput={(title) => put({ title })} maxLength={120} /></Field>}
				<Field label="Text" about="Markdown. What is affected, since when, what is being done."><Text value={draft.text} onInput={(text) => put({ text })} lines={7} autofocus /></Field>
				<div class="pair">
					{incident.service && <Field label={`${incident.service} is`}><Select value={draft.status} onInput={(v) => put({ status: v as ComponentStatus })} options={[['', 'as before, or by impact'], ...statuses]} /></Field>}
					{draft.state !== 'resolved' && <Field label="Next update" about="In your time."><Text type="datetime-local" value={draft.next} onInput={(next) => put({ next })} /></Field>}
				</div>
				<div aria-live="polite" class="stack tight">
					{look.hints.map((hint) => <Notice key={hint.code} tone="info" what={hint.text} />)}
				</div>
				{look.html && <details><summary>How it will look</summary><div class="prose card" dangerouslySetInnerHTML={{ __html: look.html }} /></details>}
				<div class="actions"><Button kind="primary" type="submit" disabled={!draft.text.trim()}>{draft.audience === 'customers' ? 'Publish' : 'Send'}</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Edit({ update, onClose }: { update: Update, onClose: () => void }) {
	const [text, setText] = useState(update.text)
	const [reason, setReason] = useState('')
	const send = async (event: Event) => {
		event.preventDefault()
		if (await attempt(() => call('update_edit', { id: update.incident, update: update.id }, { text: text.trim(), ...(reason.trim() ? { reason: reason.trim() } : {}) }), 'Corrected')) onClose()
	}
	return (
		<Dialog title="Correct the update" onClose={onClose}>
			<form class="form" onSubmit={send}>
				<p class="small soft">Readers see that it was corrected. What it said before stays in the journal.</p>
				<Field label="Text"><Text value={text} onInput={setText} lines={7} autofocus /></Field>
				<Field label="Why" optional><Text value={reason} onInput={setReason} maxLength={500} /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!text.trim() || text === update.text}>Correct</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function One({ update, edit }: { update: Update, edit: () => void }) {
	return (
		<li class="stack tight small">
			<div class="row">
				<span class="grow"><strong>{states.find(([key]) => key === update.state)![1]}</strong> <span class="quiet">for {update.audience}, <Time at={update.posted_at} />{update.posted_by && <> by {update.posted_by.name}</>}{update.edited_at && ', corrected'}</span></span>
				{update.delivery === 'waiting' && <span class="s-degraded">goes out now</span>}
				{update.delivery === 'withdrawn' && <span class="quiet">taken back</span>}
				{may('respond') && update.delivery !== 'withdrawn' && <Button size="small" kind="plain" icon="edit" title="Correct this update" onClick={edit}>Correct</Button>}
			</div>
			{update.title && <div class="quiet">“{update.title}”</div>}
			<div class="prose" dangerouslySetInnerHTML={{ __html: update.html }} />
			{update.rating && update.rating.helped + update.rating.unsure > 0 && <div class="quiet" title="What readers of the status page answered">Readers: it helped {update.rating.helped}, {update.rating.unsure} still {update.rating.unsure === 1 ? 'does' : 'do'} not know</div>}
		</li>
	)
}

function Due({ incident }: { incident: Incident }) {
	const rows = ([['Customers', incident.updates_due.public], ['Inside', incident.updates_due.internal]] as const).filter(([, at]) => at)
	if (rows.length === 0) return null
	return (
		<p class="small">
			{rows.map(([who, at], i) => <span key={who}>{i > 0 && ' · '}{who}: {Date.parse(at!) < Date.now() ? <strong class="s-down">late since <Time at={at!} /></strong> : <>next update due <Time at={at!} /></>}</span>)}
		</p>
	)
}

export function TellPeople({ incident }: { incident: Incident }) {
	const [asking, setAsking] = useState<'compose' | Update>()
	const list = useData('update_list', { id: incident.id, limit: 50 }, rooms)
	return (
		<section class="section">
			<header><h2>Tell people</h2>{may('respond') && <Button size="small" icon="note" onClick={() => setAsking('compose')}>Write an update</Button>}</header>
			<Due incident={incident} />
			<Loaded of={list}>
				{(data) => (data.items.length === 0 ? <p class="small soft">Nobody was told anything yet.</p>
					: <ul class="rows">{data.items.map((update) => <One key={update.id} update={update} edit={() => setAsking(update)} />)}</ul>)}
			</Loaded>
			{asking === 'compose' && <Compose incident={incident} onClose={() => setAsking(undefined)} />}
			{typeof asking === 'object' && <Edit update={asking} onClose={() => setAsking(undefined)} />}
		</section>
	)
}
