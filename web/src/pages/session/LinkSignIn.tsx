// A one-time link is /link#TOKEN: the part after # never reaches a log or a mail scanner, and the link is used up by
// pressing the button, not by looking at the page.
import { useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import type { Problem } from '../../api/contract'
import { place } from '../../lib/route'
import { Button } from '../../ui/Button'
import { Empty } from '../../ui/Empty'
import { ProblemFace } from '../../ui/Loaded'
import { Door } from './Door'
import { enter } from './SignIn'

export function LinkSignIn() {
	const [problem, setProblem] = useState<Problem>()
	const token = place.value.hash
	if (!token) {
		return <Door title="Sign in by link"><Empty title="The link is not whole" small action={<a class="button" href="/sign-in">Sign in with a password</a>}>The part after # is missing. Copy the whole line.</Empty></Door>
	}
	const use = async () => {
		try {
			await enter((await call('session_link', {}, { token })).needs_password)
		} catch (error) {
			setProblem(problemFrom(error))
		}
	}
	return (
		<Door title="Welcome to Mainstay" sub="This link signs you in once.">
			<div class="stack">
				{problem && <ProblemFace problem={problem} />}
				<Button kind="primary" size="large" onClick={use} autofocus>Sign in</Button>
			</div>
		</Door>
	)
}
