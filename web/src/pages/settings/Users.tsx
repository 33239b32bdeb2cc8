import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call, problemFrom, session } from '../../api/client'
import { useData } from '../../api/data'
import type { OneTimeLink, Problem, Role, User } from '../../api/contract'
import { may } from '../../lib/may'
import { say } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Select, Text } from '../../ui/Field'
import { Loaded, ProblemFace } from '../../ui/Loaded'
import { Person } from '../../ui/Person'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'

const roles: readonly (readonly [Role, string])[] = [
	['viewer', 'Viewer: sees'], ['responder', 'Responder: acts on incidents'], ['manager', 'Manager: changes definitions'], ['admin', 'Administrator: people and settings'], ['auditor', 'Auditor: reads the record'],
]

export function Secret({ text, about }: { text: string, about: string }) {
	const copy = async () => {
		try { await navigator.clipboard.writeText(text); say('Copied') } catch { say('Mark it and copy it by hand') }
	}
	return (
		<div class="stack">
			<p class="small soft">{about}</p>
			<pre class="message secret">{text}</pre>
			<div class="actions"><Button kind="primary" icon="copy" onClick={copy}>Copy</Button></div>
		</div>
	)
}

function Invite({ onClose, onDone, onLink }: { onClose: () => void, onDone: () => unknown, onLink: (link: OneTimeLink, user: User) => void }) {
	const [name, setName] = useState('')
	const [email, setEmail] = useState('')
	const [role, setRole] = useState<Role>('responder')
	const [problem, setProblem] = useState<Problem>()
	const submit = async (event: Event) => {
		event.preventDefault()
		try {
			const user = await call('user_create', {}, { name: name.trim(), email: email.trim(), role })
			const link = await call('user_invite', { id: user.id })
			onClose()
			onLink(link, user)
			await onDone()
		} catch (error) { setProblem(problemFrom(error)) }
	}
	const bad = (field: string) => problem?.errors?.find((e) => e.field === field)?.detail
	return (
		<Dialog title="Invite somebody" onClose={onClose}>
			<form class="form" onSubmit={submit}>
				{problem && <ProblemFace problem={problem} />}
				<Field label="Name" error={bad('name')}><Text value={name} onInput={setName} autofocus /></Field>
				<Field label="E-mail" error={bad('email')}><Text type="email" value={email} onInput={setEmail} /></Field>
				<Field label="Role" about="The least that does the work."><Select value={role} onInput={(r) => setRole(r as Role)} options={roles} /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!name.trim() || !email.trim()}>Make the link</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Row({ user, refetch, onLink }: { user: User, refetch: () => unknown, onLink: (link: OneTimeLink, user: User) => void }) {
	const me = session.value!.user.id === user.id
	const change = (body: { role?: Role, disabled?: boolean }, done: string) =>
		attempt(async () => { await call('user_update', { id: user.id }, body, { ifMatch: `"${user.revision}"` }); await refetch() }, done)
	const link = async () => {
		const made = await attempt(() => call(user.has_password ? 'user_reset_link' : 'user_invite', { id: user.id }))
		if (made) onLink(made, user)
	}
	return (
		<tr class={user.disabled ? 'off' : ''}>
			<td class="what"><Person user={user} /><div class="quiet clip">{user.email}</div></td>
			<td>{may('admin') && !me ? <Select label={`Role of ${user.name}`} value={user.role} onInput={(r) => change({ role: r as Role }, `${user.name} is ${r} now`)} options={roles.map(([r]) => [r, r] as const)} /> : <span class="tag">{user.role}</span>}</td>
			<td class="soft">{user.teams.join(', ') || <span class="quiet">none</span>}</td>
			<td class="quiet">{user.disabled ? 'disabled' : !user.has_password ? 'invited' : user.last_seen_at ? <Time at={user.last_seen_at} only="relative" /> : 'never'}</td>
			{may('admin') && <td class="right"><span class="row tight nowrap end-row">
				<Button size="small" onClick={link}>{user.has_password ? 'Reset link' : 'Invite link'}</Button>
				{!me && <Button size="small" kind="plain" onClick={() => change({ disabled: !user.disabled }, user.disabled ? 'Enabled' : 'Disabled; every session has ended')}>{user.disabled ? 'Enable' : 'Disable'}</Button>}
			</span></td>}
		</tr>
	)
}

export function Users() {
	const list = useData('user_list', { limit: 200 }, ['user', 'guard'])
	const [inviting, setInviting] = useState(false)
	const [link, setLink] = useState<{ link: OneTimeLink, user: User }>()
	const onLink = (made: OneTimeLink, user: User) => setLink({ link: made, user })
	return (
		<section class="card flush">
			<header><h2>People</h2>{may('admin') && <Button icon="plus" size="small" onClick={() => setInviting(true)}>Invite</Button>}</header>
			<Loaded of={list}>
				{(data) => (
					<Wide of="People"><table class="table users">
						<thead><tr><th>Person</th><th>Role</th><th>Teams</th><th>Last seen</th>{may('admin') && <th><span class="hidden-text">Acts</span></th>}</tr></thead>
						<tbody>{data.items.map((u) => <Row key={u.id} user={u} refetch={list.refetch} onLink={onLink} />)}</tbody>
					</table></Wide>
				)}
			</Loaded>
			{inviting && <Invite onClose={() => setInviting(false)} onDone={list.refetch} onLink={onLink} />}
			{link && <Dialog title={`Link for ${link.user.name}`} onClose={() => setLink(undefined)}><Secret text={link.link.link} about="Send it on a way only this person reads. It works once." /><p class="small quiet">Valid until <Time at={link.link.expires_at} />.</p></Dialog>}
		</section>
	)
}
