// The record: every event, newest first, and the proof that one of them has not been changed.
import { useEffect, useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { Event as Recorded } from '../../api/contract'
import { place, setQuery } from '../../lib/route'
import { complain, say } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { CsvButton } from '../../ui/CsvButton'
import { Dialog } from '../../ui/Dialog'
import { Empty } from '../../ui/Empty'
import { Icon } from '../../ui/Icon'
import { Select, Text } from '../../ui/Field'
import { Loaded } from '../../ui/Loaded'
import { Page } from '../../ui/Page'
import { Person } from '../../ui/Person'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'
import { durationText } from '../../lib/time'

const TYPING_MS = 300

async function copy(text: string): Promise<void> {
	try { await navigator.clipboard.writeText(text); say('Copied') } catch { say('The browser did not allow copying; mark the text and copy it by hand') }
}

function pageOf(subject: string): string | undefined {
	const [kind, name] = subject.split('/')
	if (!name) return undefined
	const at: Record<string, string> = { incident: '/incidents', check: '/checks', service: '/services' }
	return at[kind!] ? `${at[kind!]}/${encodeURIComponent(name)}` : undefined
}

function ProofView({ seq }: { seq: number }) {
	const proof = useData('journal_proof', { seq }, [])
	return (
		<Loaded of={proof}>
			{(data) => (
				<div class="stack">
					<p class="small soft">Hashing the leaf upward with these {data.path.length} hashes gives the root that the checkpoint signs. <code>mainstay journal prove {seq}</code> does it on your machine.</p>
					<dl class="facts">
						<dt>Leaf</dt><dd class="mono">{data.leaf}</dd><dt>Place</dt><dd class="num">{data.index} of {data.size}</dd><dt>Root</dt><dd class="mono">{data.root}</dd>
					</dl>
					<ol class="path mono small">{data.path.map((hash, i) => <li key={i}>{hash}</li>)}</ol>
					<pre class="message">{data.checkpoint}</pre>
					<div class="actions"><Button icon="copy" onClick={() => copy(JSON.stringify(data, null, 2))}>Copy the proof</Button></div>
				</div>
			)}
		</Loaded>
	)
}

function Detail({ event, onClose }: { event: Recorded, onClose: () => void }) {
	const [proof, setProof] = useState(false)
	const late = Date.parse(event.recorded_time) - Date.parse(event.event_time)
	return (
		<Dialog title={`Event ${event.seq}`} onClose={onClose} wide>
			<p>{event.text}</p>
			<dl class="facts">
				<dt>Kind</dt><dd class="mono">{event.kind} <span class="quiet">version {event.version}</span></dd>
				<dt>Subject</dt><dd class="mono">{event.subject}</dd>
				<dt>Actor</dt><dd>{event.actor ? <Person user={event.actor} /> : 'Mainstay itself'}</dd>
				<dt>Happened</dt><dd><Time at={event.event_time} /> <span class="num quiet">{event.event_time}</span></dd>
				<dt>Recorded</dt><dd><span class="num">{event.recorded_time}</span>{late > 1000 && <span class="quiet"> ({durationText(late)} later)</span>}</dd>
			</dl>
			{event.payload ? <pre class="message">{JSON.stringify(event.payload, null, 2)}</pre> : <p class="small soft">The content was erased, or is not for your eyes. That it happened stays provable.</p>}
			{proof ? <ProofView seq={event.seq} /> : <div class="actions"><Button icon="proof" onClick={() => setProof(true)}>Prove it</Button></div>}
		</Dialog>
	)
}

function Checkpoint() {
	const note = useData('journal_checkpoint', {}, [])
	return (
		<section class="card">
			<header><h2>Checkpoint</h2>{note.data && <Button size="small" icon="copy" onClick={() => copy(note.data!)}>Copy</Button>}</header>
			<p class="small soft">The signed root of everything recorded so far. Keep a copy elsewhere: nobody can change the past and still match it.</p>
			<Loaded of={note}>{(text) => <pre class="message">{text}</pre>}</Loaded>
		</section>
	)
}

const roomOptions = [['', 'Everything'], ['incident.', 'Incidents'], ['alert.', 'Alerts'], ['check.', 'Checks'], ['page.', 'Pages'], ['escalation.', 'Escalation'], ['definition.', 'Definitions'], ['user.', 'People']] as const

function Subject({ value }: { value: string }) {
	const [text, setText] = useState(value)
	useEffect(() => {
		if (text === value) return undefined
		const timer = setTimeout(() => setQuery({ subject: text }), TYPING_MS)
		return () => clearTimeout(timer)
	}, [text])
	return <Text type="search" value={text} onInput={setText} placeholder="Subject, as incident/12" />
}

function Row({ event, open }: { event: Recorded, open: () => void }) {
	const link = pageOf(event.subject)
	return (
		<tr>
			<td><button type="button" class="linklike num" onClick={open} aria-label={`Event ${event.seq}`}>{event.seq}</button></td>
			<td><Time at={event.recorded_time} /></td>
			<td>{event.text}<div class="mono small quiet">{event.kind}</div></td>
			<td>{link ? <a href={link}>{event.subject}</a> : event.subject}</td>
			<td>{event.actor ? <Person user={event.actor} /> : <span class="quiet">Mainstay</span>}</td>
		</tr>
	)
}

export default function Journal() {
	const { query } = place.value
	const [kind, subject] = [query.get('kind') ?? '', query.get('subject') ?? '']
	const params = { ...(kind ? { kind } : {}), ...(subject ? { subject } : {}) }
	const list = useData('journal_list', params, ['*'])
	const [rest, setRest] = useState<{ items: Recorded[], next: string | null }>()
	const [open, setOpen] = useState<Recorded>()
	useEffect(() => setRest(undefined), [kind, subject])
	const items = [...list.data?.items ?? [], ...rest?.items.filter((e) => e.seq < (list.data?.items.at(-1)?.seq ?? Infinity)) ?? []]
	const next = rest ? rest.next : list.data?.next ?? null
	const more = async () => {
		try {
			const page = await call('journal_list', { ...params, cursor: next! })
			setRest({ items: [...rest?.items ?? [], ...page.items], next: page.next })
		} catch (error) { complain(problemFrom(error)) }
	}
	return (
		<Page title="Journal" sub="Everything that was done and decided, in order, in a tree of hashes that shows any later change." actions={<CsvButton id="journal_list" params={params} name="journal" />}>
			<div class="columns">
				<div class="stack">
					<div class="filters"><div class="narrow"><Select label="Kind" value={kind} onInput={(k) => setQuery({ kind: k })} options={roomOptions} /></div><div class="search"><Icon name="search" size={16} /><Subject key={kind} value={subject} /></div></div>
					<Loaded of={list}>
						{() => (items.length === 0 ? <Empty icon="journal" title="No event fits">Take a filter away.</Empty> : (
							<div class="card flush"><Wide of="Events">
								<table class="table journal">
									<thead><tr><th>Seq</th><th>Recorded</th><th>What happened</th><th>Subject</th><th>Actor</th></tr></thead>
									<tbody>{items.map((event) => <Row key={event.seq} event={event} open={() => setOpen(event)} />)}</tbody>
								</table></Wide>
								{next && <div class="more"><Button onClick={more}>Older ones</Button></div>}
							</div>
						))}
					</Loaded>
				</div>
				<aside aria-label="Checkpoint"><Checkpoint /></aside>
			</div>
			{open && <Detail event={open} onClose={() => setOpen(undefined)} />}
		</Page>
	)
}
