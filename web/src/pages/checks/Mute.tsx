import { useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import type { MuteKind, Problem } from '../../api/contract'
import { say } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Select, Text } from '../../ui/Field'
import { ProblemFace } from '../../ui/Loaded'

const spans = [['15m', '15 minutes'], ['1h', '1 hour'], ['4h', '4 hours'], ['12h', '12 hours'], ['1d', '1 day'], ['7d', '7 days']] as const

/** Stops paging, not watching; it ends by itself. */
export function MuteDialog({ kind, name, what, onClose, onDone }: { kind: MuteKind, name?: string, what: string, onClose: () => void, onDone?: () => unknown }) {
	const [span, setSpan] = useState('1h')
	const [reason, setReason] = useState('')
	const [problem, setProblem] = useState<Problem>()
	const submit = async (event: Event) => {
		event.preventDefault()
		try {
			await call('mute_create', {}, { kind, for: span, reason: reason.trim(), ...(name ? { name } : {}) })
			say(`${what} is muted`)
			onClose()
			await onDone?.()
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<Dialog title={`Mute ${what}`} onClose={onClose}>
			<form class="form" onSubmit={submit}>
				{problem && <ProblemFace problem={problem} />}
				<p class="small soft">It is still checked, recorded and counted; only nobody is paged. It ends by itself.</p>
				<Field label="For"><Select value={span} onInput={setSpan} options={spans} /></Field>
				<Field label="Why"><Text value={reason} onInput={setReason} placeholder="Planned restart, ticket 4711" autofocus /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!reason.trim()}>Mute</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}
