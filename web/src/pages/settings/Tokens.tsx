import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { Problem, Scope } from '../../api/contract'
import { serverNow } from '../../lib/clock'
import { may, type Permission } from '../../lib/may'
import { addDays, toServer } from '../../lib/time'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Empty } from '../../ui/Empty'
import { Field, Select, Text, Tick } from '../../ui/Field'
import { Loaded, ProblemFace } from '../../ui/Loaded'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'
import { Secret } from './Users'

const scopes: readonly (readonly [Scope, string, Permission])[] = [
	['read', 'read everything I may see', 'read'], ['act', 'acknowledge, resolve, mute', 'respond'], ['manage', 'change definitions', 'manage'], ['admin', 'people and settings', 'admin'],
]

function Make({ onClose, onMade }: { onClose: () => void, onMade: (secret: string) => unknown }) {
	const [name, setName] = useState('')
	const [chosen, setChosen] = useState<readonly Scope[]>(['read'])
	const [days, setDays] = useState('90')
	const [problem, setProblem] = useState<Problem>()
	const submit = async (event: Event) => {
		event.preventDefault()
		try {
			const made = await call('token_create', {}, { name: name.trim(), scopes: [...chosen], expires_at: toServer(addDays(serverNow(), Number(days))) })
			onClose()
			await onMade(made.secret)
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<Dialog title="Make an API token" onClose={onClose}>
			<form class="form" onSubmit={submit}>
				{problem && <ProblemFace problem={problem} />}
				<Field label="What is it for"><Text value={name} onInput={setName} placeholder="Deploy pipeline" autofocus /></Field>
				<fieldset><legend>It may</legend><div class="stack">
					{scopes.filter(([, , needs]) => may(needs)).map(([scope, text]) => <Tick key={scope} checked={chosen.includes(scope)} onInput={(on) => setChosen(on ? [...chosen, scope] : chosen.filter((s) => s !== scope))}><strong>{scope}</strong>: {text}</Tick>)}
				</div></fieldset>
				<Field label="It ends in"><Select value={days} onInput={setDays} options={[['7', '7 days'], ['30', '30 days'], ['90', '90 days'], ['365', '1 year']]} /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!name.trim() || chosen.length === 0}>Make it</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

export function Tokens() {
	const list = useData('token_list', {}, ['token', 'guard'])
	const [making, setMaking] = useState(false)
	const [secret, setSecret] = useState<string>()
	const revoke = (id: number) => attempt(async () => { await call('token_delete', { id }); await list.refetch() }, 'Revoked')
	return (
		<section class="card flush">
			<header><h2>My API tokens</h2><Button size="small" icon="plus" onClick={() => setMaking(true)}>Make one</Button></header>
			<Loaded of={list}>
				{(data) => (data.items.length === 0 ? <Empty small title="No token">For scripts, the command line and other machines.</Empty> : (
					<Wide of="API tokens"><table class="table">
						<thead><tr><th>For</th><th>May</th><th>Ends</th><th>Last used</th><th><span class="hidden-text">Acts</span></th></tr></thead>
						<tbody>{data.items.map((t) => (
							<tr key={t.id}><td><strong>{t.name}</strong></td><td>{t.scopes.map((s) => <span key={s} class="tag">{s}</span>)}</td><td><Time at={t.expires_at} only="relative" /></td>
								<td class="quiet">{t.last_used_at ? <Time at={t.last_used_at} only="relative" /> : 'never'}</td><td class="right"><Button size="small" kind="danger" onClick={() => revoke(t.id)}>Revoke</Button></td></tr>
						))}</tbody>
					</table></Wide>
				))}
			</Loaded>
			{making && <Make onClose={() => setMaking(false)} onMade={(made) => { setSecret(made); return list.refetch() }} />}
			{secret && <Dialog title="The token" onClose={() => setSecret(undefined)}><Secret text={secret} about="It is shown this once. Send it as: Authorization: Bearer ..." /></Dialog>}
		</section>
	)
}
