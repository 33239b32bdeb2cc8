// The address that the job of a heartbeat calls. It is shown once: only its hash is kept.
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import { say } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'

async function copy(text: string) {
	try { await navigator.clipboard.writeText(text); say('Copied') } catch { say('The browser did not allow copying; mark the text and copy it by hand') }
}

export function AddressButton({ name, called }: { name: string, called: boolean }) {
	const [ask, setAsk] = useState(false)
	const [made, setMade] = useState<{ url: string, command: string }>()
	const make = async () => {
		setAsk(false)
		const address = await attempt(() => call('check_address', { name }))
		if (address) setMade(address)
	}
	const line = made && `0 3 * * *  /usr/local/bin/the-job; ${made.command}`
	return (
		<>
			<Button size="small" icon="link" onClick={() => (called ? setAsk(true) : make())}>{called ? 'New address' : 'Make its address'}</Button>
			{ask && (
				<Dialog title="Replace the address?" onClose={() => setAsk(false)}>
					<p>The job must be told the new one: calls to the old one are refused from now on, and it will be missed.</p>
					<div class="actions"><Button kind="danger" onClick={make}>Replace it</Button><Button kind="plain" onClick={() => setAsk(false)}>Keep it</Button></div>
				</Dialog>
			)}
			{made && line && (
				<Dialog title={`The address of ${name}`} onClose={() => setMade(undefined)}>
					<p>It is shown this once. Put this line after the job, in its script or its crontab:</p>
					<pre class="small wraps" tabIndex={0}>{made.command}</pre>
					<div class="actions"><Button kind="primary" icon="copy" onClick={() => copy(made.command)}>Copy the line</Button><Button icon="copy" onClick={() => copy(line)}>Copy as crontab</Button></div>
					<p class="small soft">It tells how the job ended: any exit status but 0 is a failure. To be told of jobs that hang, call it with <code>?state=start</code> before. Whoever has the address can call it, and do nothing else.</p>
				</Dialog>
			)}
		</>
	)
}
