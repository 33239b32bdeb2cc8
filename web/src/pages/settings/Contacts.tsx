// How I am reached: my contacts in their order, what the last page through each did, and a test page to be sure.
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call, problemFrom, session } from '../../api/client'
import { useData } from '../../api/data'
import { askPermission, permission } from '../../api/pager'
import type { Channel, Contact, ContactAddress, Page, Problem } from '../../api/contract'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Select, Text } from '../../ui/Field'
import { Loaded, ProblemFace } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Skeleton } from '../../ui/Skeleton'
import { PageBadge, Shape } from '../../ui/State'
import { Time } from '../../ui/Time'
import { Attempts, channelWords } from '../incidents/Pages'

const rooms = ['contact', 'user', 'page', 'delivery']

const addressFields: Record<Channel, readonly [key: keyof ContactAddress, label: string, about: string][]> = {
	browser: [],
	ntfy: [['topic', 'Topic', 'Subscribe to it in the ntfy app. Make it hard to guess.'], ['server', 'Server', 'Empty: the one of this installation.']],
	email: [['to', 'Address', '']],
	webhook: [['url', 'URL', 'Gets a signed POST.']],
	command: [['command', 'Command', 'The name of a command the server was started with.']],
}

const about: Record<Channel, string> = {
	browser: 'A notification with sound while any tab of Mainstay is open.',
	ntfy: 'Wakes a phone, also when it is silent.',
	email: 'Good for what can wait.',
	webhook: 'For your own receiver.',
	command: 'Runs a program on the server.',
}

function addressText(contact: Contact): string {
	const { to, topic, url, command } = contact.address
	return to ?? topic ?? url ?? command ?? 'every open tab'
}

function AddContact({ user, onClose, onDone }: { user: number, onClose: () => void, onDone: () => unknown }) {
	const [channel, setChannel] = useState<Channel>('ntfy')
	const [address, setAddress] = useState<ContactAddress>({})
	const [delay, setDelay] = useState('0s')
	const [urgency, setUrgency] = useState('all')
	const [secret, setSecret] = useState('')
	const [problem, setProblem] = useState<Problem>()
	const submit = async (event: Event) => {
		event.preventDefault()
		const filled = Object.fromEntries(Object.entries(address).filter(([, value]) => value)) as ContactAddress
		try {
			if (channel === 'browser') await askPermission()
			await call('contact_create', { id: user }, { channel, address: filled, delay, urgency: urgency as 'all', ...(secret ? { secret } : {}) })
			onClose()
			await onDone()
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<Dialog title="Add a way to reach me" onClose={onClose}>
			<form class="form two" onSubmit={submit}>
				{problem && <div class="whole"><ProblemFace problem={problem} /></div>}
				<Field label="By" whole about={about[channel]}>
					<Select value={channel} onInput={(c) => { setChannel(c as Channel); setAddress({}) }} options={Object.entries(channelWords).map(([k, v]) => [k, v] as const)} />
				</Field>
				{addressFields[channel].map(([key, label, help]) => (
					<Field key={key} label={label} about={help} whole error={problem?.errors?.find((e) => e.field.endsWith(key))?.detail} optional={key === 'server'}>
						<Text type={key === 'to' ? 'email' : key === 'url' ? 'url' : 'text'} value={address[key] ?? ''} onInput={(v) => setAddress({ ...address, [key]: v })} />
					</Field>
				))}
				{(channel === 'webhook' || channel === 'ntfy') && <Field label={channel === 'webhook' ? 'Signing key' : 'Access token'} whole optional={channel === 'ntfy'}><Text type="password" value={secret} onInput={setSecret} autocomplete="off" /></Field>}
				<Field label="After" about="How long after the page begins."><Select value={delay} onInput={setDelay} options={[['0s', 'at once'], ['1m', '1 minute'], ['2m', '2 minutes'], ['5m', '5 minutes'], ['10m', '10 minutes']]} /></Field>
				<Field label="For"><Select value={urgency} onInput={setUrgency} options={[['all', 'every page'], ['high', 'high urgency only'], ['low', 'low urgency only']]} /></Field>
				<div class="actions whole"><Button kind="primary" type="submit">Add</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

/** Follows one test page by its delivery steps until it is delivered or failed. */
function TestDialog({ page, contact, onClose }: { page: Page, contact: Contact, onClose: () => void }) {
	const pages = useData('page_list', { user: page.user.id, limit: 20 }, ['page', 'delivery'])
	const current = pages.data?.items.find((p) => p.id === page.id) ?? page
	return (
		<Dialog title={`Test page by ${channelWords[contact.channel]}`} onClose={onClose}>
			<div class="row" aria-live="polite"><PageBadge state={current.state} /><span class="quiet small">to {addressText(contact)}</span></div>
			<Attempts page={current} />
			{current.state === 'delivered' && <Notice tone="good" what="It arrived">This contact can wake you.</Notice>}
			{current.state === 'sent' && <Notice tone="info" what="The other side took it">Whether it reached you, only you can see.</Notice>}
			{current.state === 'failed' && <Notice tone="bad" what="It did not arrive">What the other side said stands above.</Notice>}
		</Dialog>
	)
}

function Row({ contact, refetch, test }: { contact: Contact, refetch: () => unknown, test: (contact: Contact) => unknown }) {
	const user = session.value!.user.id
	const remove = () => attempt(async () => { await call('contact_delete', { id: user, contact: contact.id }); await refetch() }, 'Removed')
	return (
		<li class="contact">
			<div class="grow small">
				<div><strong>{channelWords[contact.channel]}</strong> <span class="soft break">{contact.label || addressText(contact)}</span></div>
				<div class="quiet">{contact.delay === '0s' ? 'at once' : `after ${contact.delay}`}{contact.urgency !== 'all' && `, ${contact.urgency} urgency only`}</div>
				<div>
					{contact.last_result
						? <span class="row tight"><PageBadge state={contact.last_result.state} /><span class="quiet"><Time at={contact.last_result.at} only="relative" /></span></span>
						: <span class="state s-degraded"><Shape name="degraded" size={13} />never tested</span>}
				</div>
			</div>
			<div class="row tight nowrap"><Button size="small" onClick={() => test(contact)}>Send me a test page</Button><Button size="small" kind="plain" icon="trash" label="Remove" onClick={remove} /></div>
		</li>
	)
}

function BrowserPermission() {
	const state = permission.value
	if (state === 'granted') return null
	if (state === 'unsupported') return <Notice tone="warn" what="This browser cannot notify here">Notifications need https or the server's own machine.</Notice>
	if (state === 'denied') return <Notice tone="warn" what="Notifications are blocked in this browser">Allow them beside the address, then load the page anew.</Notice>
	return <Notice tone="info" what="Let this browser notify you" action={<Button size="small" kind="primary" onClick={askPermission}>Allow</Button>}>Then a page shows and sounds while any tab of Mainstay is open.</Notice>
}

export function Contacts() {
	const user = session.value!.user.id
	const list = useData('contact_list', { id: user }, rooms)
	const [adding, setAdding] = useState(false)
	const [testing, setTesting] = useState<{ page: Page, contact: Contact }>()
	const test = async (contact: Contact) => {
		if (contact.channel === 'browser' && permission.value === 'default') await askPermission()
		const page = await attempt(() => call('contact_test', { id: contact.id }))
		if (page) setTesting({ page, contact })
	}
	return (
		<div class="stack">
			<Loaded of={list} skeleton={<Skeleton lines={3} height={44} />}>
				{(data) => {
					const items = [...data.items].sort((a, b) => a.order - b.order)
					return (
						<>
							{items.length === 0 && <Notice tone="bad" what="Nothing can reach you">A page for you would fail. Add ntfy for your phone, or this browser.</Notice>}
							{items.some((c) => c.channel === 'browser') && <BrowserPermission />}
							<ul class="rows">{items.map((c) => <Row key={c.id} contact={c} refetch={list.refetch} test={test} />)}</ul>
						</>
					)
				}}
			</Loaded>
			<div class="actions"><Button icon="plus" onClick={() => setAdding(true)}>Add a way to reach me</Button></div>
			{adding && <AddContact user={user} onClose={() => setAdding(false)} onDone={list.refetch} />}
			{testing && <TestDialog {...testing} onClose={() => setTesting(undefined)} />}
		</div>
	)
}
