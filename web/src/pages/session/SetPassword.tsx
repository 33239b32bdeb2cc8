import { useState } from 'preact/hooks'
import { call, problemFrom, session } from '../../api/client'
import type { Problem } from '../../api/contract'
import { go } from '../../lib/route'
import { Button } from '../../ui/Button'
import { Field, Text } from '../../ui/Field'
import { ProblemFace } from '../../ui/Loaded'
import { Door } from './Door'

const PASSWORD_MIN = 10

export function SetPassword() {
	const [password, setPassword] = useState('')
	const [busy, setBusy] = useState(false)
	const [problem, setProblem] = useState<Problem>()
	const leave = () => go('/', true)
	const submit = async (event: Event) => {
		event.preventDefault()
		setBusy(true)
		setProblem(undefined)
		try {
			await call('session_password', {}, { password })
			session.value = { ...session.value!, needs_password: false }
			leave()
		} catch (error) {
			setProblem(problemFrom(error))
			setBusy(false)
		}
	}
	const short = password.length > 0 && password.length < PASSWORD_MIN
	return (
		<Door title="Choose a password" sub={<>You are signed in as <strong>{session.value!.user.email}</strong>. A password lets you come back.</>}>
			<form class="form" onSubmit={submit}>
				{problem && <ProblemFace problem={problem} />}
				<input type="hidden" autocomplete="username" value={session.value!.user.email} />
				<Field label="Password" about={`At least ${PASSWORD_MIN} characters; a sentence is best.`} error={short ? `${PASSWORD_MIN - password.length} more to go` : undefined}>
					<Text type="password" value={password} onInput={setPassword} autocomplete="new-password" autofocus />
				</Field>
				<Button kind="primary" size="large" type="submit" busy={busy} disabled={password.length < PASSWORD_MIN}>Set the password</Button>
				<Button kind="plain" onClick={leave}>Later</Button>
			</form>
		</Door>
	)
}
