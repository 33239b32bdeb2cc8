// Who outside is told of updates: look, search, add, import, remove, ask again, resume.
import { useEffect, useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call, problemFrom } from '../../api/client'
import type { Subscriber } from '../../api/contract'
import { useData } from '../../api/data'
import { place } from '../../lib/route'
import { complain, say } from '../../lib/toast'
import { plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Empty } from '../../ui/Empty'
import { Field, Select, Text, Tick } from '../../ui/Field'
import { Search } from '../../ui/Filters'
import { Loaded } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'

const rooms = ['subscriber', 'update'] as const
const words = { unconfirmed: 'Has not confirmed', active: 'Is told', suspended: 'Suspended', removed: 'Removed' }

function Add({ onClose }: { onClose: () => void }) {
	const [channel, setChannel] = useState<'email' | 'webhook'>('email')
	const [address, setAddress] = useState('')
	const [secret, setSecret] = useState('')
	const [services, setServices] = useState('')
	const [agreed, setAgreed] = useState(false)
	const submit = async (event: Event) => {
		event.preventDefault()
		const chosen = services.split(/[\s,]+/).filter(Boolean)
		const more = channel === 'webhook' ? (secret ? { secret } : {}) : { agreed }
		if (await attempt(() => call('subscriber_create', {}, { channel, address: address.trim(), services: chosen, ...more }), 'Added')) onClose()
	}
	return (
		<Dialog title="Add a subscriber" onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<Field label="How"><Select value={channel} onInput={(value) => setChannel(value as 'email')} options={[['email', 'By e-mail'], ['webhook', 'By webhook']]} /></Field>
				<Field label={channel === 'email' ? 'E-mail address' : 'URL'}><Text value={address} onInput={setAddress} type={channel === 'email' ? 'email' : 'url'} maxLength={2000} autofocus /></Field>
				{channel === 'webhook' && <Field label="Secret" about="Signs what is sent, so that the receiver knows it is from here." optional><Text value={secret} onInput={setSecret} maxLength={200} autocomplete="off" /></Field>}
				<Field label="Services" about="Their names, with commas. All, when empty." optional><Text value={services} onInput={setServices} /></Field>
				{channel === 'email' && <Tick checked={agreed} onInput={setAgreed}>They have agreed: no mail asks them first</Tick>}
				<div class="actions"><Button kind="primary" type="submit" disabled={!address.trim()}>Add</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Import({ onClose }: { onClose: () => void }) {
	const [csv, setCsv] = useState('')
	const [agreed, setAgreed] = useState(false)
	const submit = async (event: Event) => {
		event.preventDefault()
		const done = await attempt(() => call('subscriber_import', {}, { csv, agreed }))
		if (!done) return
		say(`${plural(done.added, 'address was', 'addresses were')} added, ${done.known} known before`)
		onClose()
	}
	return (
		<Dialog title="Import addresses" onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<Field label="Addresses" about="One a line, at most 1000; names of services may follow, with commas. All are taken or none."><Text value={csv} onInput={setCsv} lines={8} placeholder={'ann@example.com\nbob@example.com,shop'} autofocus /></Field>
				<Tick checked={agreed} onInput={setAgreed}>They have agreed: no mail asks them first</Tick>
				<div class="actions"><Button kind="primary" type="submit" disabled={!csv.trim()}>Import</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Row({ row }: { row: Subscriber }) {
	const remove = () => confirm(`Remove ${row.address}? The address is erased.`) && attempt(() => call('subscriber_delete', { id: row.id }), 'Removed')
	return (
		<tr>
			<td class="what"><strong>{row.address ?? 'erased'}</strong><div class="quiet">{row.channel} · {row.services.length ? row.services.join(', ') : row.page ? 'all of its services' : 'all services'}{row.page && ` · page ${row.page}`}</div></td>
			<td>{words[row.state]}{row.state === 'suspended' && row.refused_at && <div class="quiet">refused {row.refusals} times, last <Time at={row.refused_at} /></div>}</td>
			<td><Time at={row.added_at} /><div class="quiet">{row.source}</div></td>
			<td class="right">
				{row.state === 'unconfirmed' && <Button size="small" onClick={() => attempt(() => call('subscriber_ask', { id: row.id }), 'Asked again')}>Ask again</Button>}
				{row.state === 'suspended' && <Button size="small" onClick={() => attempt(() => call('subscriber_resume', { id: row.id }), 'Goes on')}>Resume</Button>}
				<Button size="small" kind="plain" icon="trash" label={`Remove ${row.address ?? 'subscriber'}`} onClick={remove} />
			</td>
		</tr>
	)
}

export function Subscribers() {
	const q = place.value.query.get('q') ?? ''
	const list = useData('subscriber_list', { q: q || undefined } as never, rooms)
	const counts = useData('subscriber_counts', {}, rooms).data
	const [older, setOlder] = useState<{ rows: Subscriber[], next: string | null }>()
	const [ask, setAsk] = useState<'add' | 'import'>()
	useEffect(() => setOlder(undefined), [q])
	const next = older ? older.next : list.data?.next ?? null
	const more = async () => {
		try {
			const page = await call('subscriber_list', { q: q || undefined, cursor: next! } as never)
			setOlder({ rows: [...older?.rows ?? [], ...page.items], next: page.next })
		} catch (error) { complain(problemFrom(error)) }
	}
	const actions = <><Button onClick={() => setAsk('add')} icon="plus">Add</Button><Button onClick={() => setAsk('import')}>Import</Button><a class="button" href="/subscribe" target="_blank">The form</a></>
	return (
		<section class="card">
			<header><h2>Subscribers</h2></header>
			<div class="stack">
				{counts && <p class="small soft">{counts.active} are told, {counts.unconfirmed} have not confirmed, {counts.suspended} suspended. {counts.mails_waiting > 0 && `${plural(counts.mails_waiting, 'mail waits', 'mails wait')} to leave.`}</p>}
				{counts && counts.suspended > 0 && <Notice tone="warn" what={`${plural(counts.suspended, 'subscription is', 'subscriptions are')} suspended`}>Their mail refused three messages for good.</Notice>}
				<div class="row"><Search value={q} label="Search addresses" /><span class="grow" />{actions}</div>
				<Loaded of={list}>
					{(data) => data.items.length === 0
						? <Empty icon={q ? 'search' : 'page'} title={q ? 'No address fits' : 'Nobody is subscribed'} small>People subscribe by the form <a href="/subscribe" target="_blank">/subscribe</a>; updates for customers are mailed to them.</Empty>
						: <Wide of="Subscribers"><table class="table"><thead><tr><th>Address</th><th>State</th><th>Since</th><th><span class="hidden-text">Acts</span></th></tr></thead><tbody>{[...data.items, ...older?.rows ?? []].map((row) => <Row key={row.id} row={row} />)}</tbody></table></Wide>}
				</Loaded>
				{next && <div class="more"><Button onClick={more}>More</Button></div>}
			</div>
			{ask === 'add' && <Add onClose={() => setAsk(undefined)} />}
			{ask === 'import' && <Import onClose={() => setAsk(undefined)} />}
		</section>
	)
}
