import { useState } from 'preact/hooks'
import { call, problemFrom, session } from '../../api/client'
import type { Problem } from '../../api/contract'
import { learnServerTime } from '../../lib/clock'
import { go, place } from '../../lib/route'
import { Button } from '../../ui/Button'
import { Field, Text } from '../../ui/Field'
import { ProblemFace } from '../../ui/Loaded'
import { Door } from './Door'

/** After signing in by any way: the whole session, and the page that was asked for. */
export async function enter(needsPassword: boolean): Promise<void> {
	const found = await call('session_get', {})
	learnServerTime(found.server.now)
	session.value = found
	if (needsPassword) go('/set-password', true)
	else if (place.peek().path === '/sign-in' || place.peek().path === '/link') go('/', true)
}

export function SignIn() {
	const [email, setEmail] = useState('')
	const [password, setPassword] = useState('')
	const [busy, setBusy] = useState(false)
	const [problem, setProblem] = useState<Problem>()
	const submit = async (event: Event) => {
		event.preventDefault()
		setBusy(true)
		setProblem(undefined)
		try {
			await enter((await call('session_create', {}, { email, password })).needs_password)
		} catch (error) {
			setProblem(problemFrom(error))
			setBusy(false)
		}
	}
	return (
		<Door title="Sign in">
			<form class="form" onSubmit={submit}>
				{problem && <ProblemFace problem={problem} />}
				<Field label="E-mail"><Text type="email" value={email} onInput={setEmail} required autocomplete="username" autofocus /></Field>
				<Field label="Password"><Text type="password" value={password} onInput={setPassword} required autocomplete="current-password" /></Field>
				<Button kind="primary" size="large" type="submit" busy={busy}>Sign in</Button>
				<p class="small quiet">No password, or forgotten? An administrator makes you a link; on the machine itself <code>mainstay user reset-link</code> does.</p>
			</form>
		</Door>
	)
}
