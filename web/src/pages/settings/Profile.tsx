import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call, problemFrom, session } from '../../api/client'
import type { Problem } from '../../api/contract'
import { say } from '../../lib/toast'
import { sentenceCase } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Field, Text } from '../../ui/Field'
import { ProblemFace } from '../../ui/Loaded'

function Password() {
	const [current, setCurrent] = useState('')
	const [password, setPassword] = useState('')
	const [problem, setProblem] = useState<Problem>()
	const known = session.value!.user.has_password
	const submit = async (event: Event) => {
		event.preventDefault()
		setProblem(undefined)
		try {
			await call('session_password', {}, { password, ...(known ? { current } : {}) })
			setCurrent('')
			setPassword('')
			say('The password is changed; other sessions of yours have ended')
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<form class="form" onSubmit={submit}>
			{problem && <ProblemFace problem={problem} />}
			<input type="hidden" autocomplete="username" value={session.value!.user.email} />
			{known && <Field label="Current password"><Text type="password" value={current} onInput={setCurrent} autocomplete="current-password" /></Field>}
			<Field label="New password" about="At least 10 characters; a sentence is best."><Text type="password" value={password} onInput={setPassword} autocomplete="new-password" /></Field>
			<div class="actions"><Button type="submit" disabled={password.length < 10 || (known && !current)}>Change the password</Button></div>
		</form>
	)
}

export async function signOut(): Promise<void> {
	await attempt(() => call('session_delete', {}))
	session.value = null
}

export function Profile() {
	const { user } = session.value!
	const [name, setName] = useState(user.name)
	const [zone, setZone] = useState(user.time_zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone)
	const save = async (event: Event) => {
		event.preventDefault()
		const saved = await attempt(() => call('user_update', { id: user.id }, { name: name.trim(), time_zone: zone || null }, { ifMatch: `"${user.revision}"` }), 'Saved')
		if (saved) session.value = { ...session.value!, user: saved }
	}
	return (
		<div class="stack">
			<section class="card">
				<header><h2>{user.email}</h2><span class="tag">{sentenceCase(user.role)}</span></header>
				<form class="form" onSubmit={save}>
					<Field label="Name"><Text value={name} onInput={setName} autocomplete="name" /></Field>
					<Field label="Time zone" about="In pages and mails; the screen follows this device."><Text value={zone} onInput={setZone} /></Field>
					{user.teams.length > 0 && <p class="small soft">Teams: {user.teams.join(', ')}</p>}
					<div class="actions"><Button kind="primary" type="submit" disabled={!name.trim()}>Save</Button></div>
				</form>
			</section>
			<section class="card"><header><h2>Password</h2></header><Password /></section>
			<section class="card"><header><h2>This session</h2><Button onClick={signOut}>Sign out</Button></header><p class="small soft">Ends this session on every tab of this browser.</p></section>
		</div>
	)
}
