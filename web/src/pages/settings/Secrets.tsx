// Named secrets: what checks sign in with. They go in and never come out: there is no value to show.
import { useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import type { NamedSecret, Problem } from '../../api/contract'
import { useData } from '../../api/data'
import { say } from '../../lib/toast'
import { slug } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Empty } from '../../ui/Empty'
import { Field, Text } from '../../ui/Field'
import { Loaded, ProblemFace } from '../../ui/Loaded'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'

function Put({ secret, onClose }: { secret?: NamedSecret, onClose: () => void }) {
	const [name, setName] = useState(secret?.name ?? '')
	const [about, setAbout] = useState(secret?.about ?? '')
	const [value, setValue] = useState('')
	const [problem, setProblem] = useState<Problem>()
	const submit = async (event: Event) => {
		event.preventDefault()
		try {
			const set = await call('secret_put', { name: secret?.name ?? slug(name) }, { value, about: about.trim() })
			say(`${set.name} is set`)
			onClose()
		} catch (error) { setProblem(problemFrom(error)) }
	}
	const wrong = (field: string) => problem?.errors?.find((e) => e.field === field)?.detail
	return (
		<Dialog title={secret ? `Replace ${secret.name}` : 'Set a secret'} onClose={onClose}>
			<form class="form" onSubmit={submit}>
				{problem && !problem.errors?.length && <ProblemFace problem={problem} />}
				{!secret && <Field label="Name" about="What definitions call it: small letters, digits, dots and dashes." error={wrong('name')}><Text value={name} onInput={setName} maxLength={63} autocomplete="off" autofocus /></Field>}
				<Field label="Value" about="A password or a token; for an SQL check the whole address: postgres://user:password@host/database. Nobody can read it here afterwards." error={wrong('value')}><Text value={value} onInput={setValue} type="password" autocomplete="new-password" maxLength={4095} autofocus={!!secret} /></Field>
				<Field label="What is it for" error={wrong('about')} optional><Text value={about} onInput={setAbout} maxLength={200} /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!value || !(secret || name.trim())}>{secret ? 'Replace' : 'Set it'}</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Remove({ secret, onClose }: { secret: NamedSecret, onClose: () => void }) {
	const [problem, setProblem] = useState<Problem>()
	const remove = async () => {
		try {
			await call('secret_delete', { name: secret.name })
			say(`${secret.name} is removed`)
			onClose()
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<Dialog title={`Remove ${secret.name}?`} onClose={onClose}>
			{problem ? <ProblemFace problem={problem} /> : <p>It cannot be brought back: its value stands nowhere else.</p>}
			<div class="actions"><Button kind="danger" icon="trash" onClick={remove}>Remove</Button><Button kind="plain" onClick={onClose}>Keep</Button></div>
		</Dialog>
	)
}

export function Secrets() {
	const list = useData('secret_list', { limit: 200 }, ['secret', 'definition'])
	const [ask, setAsk] = useState<{ put?: NamedSecret | undefined, remove?: NamedSecret }>()
	const close = () => { setAsk(undefined); void list.refetch() }
	return (
		<section class="card flush">
			<header><h2>Secrets</h2><Button size="small" icon="plus" onClick={() => setAsk({ put: undefined })}>Set one</Button></header>
			<Loaded of={list}>
				{(data) => (data.items.length === 0 ? <Empty small title="No secret">Addresses of databases and passwords that checks sign in with. A definition names one: <code>secret: shop-db</code>.</Empty> : (
					<Wide of="Secrets"><table class="table">
						<thead><tr><th>Secret</th><th>Used by</th><th>Set</th><th><span class="hidden-text">Acts</span></th></tr></thead>
						<tbody>{data.items.map((s) => (
							<tr key={s.name}>
								<td class="what"><strong>{s.name}</strong>{s.about && <div class="quiet">{s.about}</div>}</td>
								<td>{s.used_by.length ? s.used_by.map((c) => <div key={c}><a href={`/checks/${c}`}>{c}</a></div>) : <span class="quiet">nothing</span>}</td>
								<td><Time at={s.set_at} only="relative" />{s.set_by && <div class="quiet">{s.set_by.name}</div>}</td>
								<td class="right"><Button size="small" onClick={() => setAsk({ put: s })}>Replace</Button> <Button size="small" kind="plain" icon="trash" label={`Remove ${s.name}`} onClick={() => setAsk({ remove: s })} /></td>
							</tr>
						))}</tbody>
					</table></Wide>
				))}
			</Loaded>
			{ask && (ask.remove ? <Remove secret={ask.remove} onClose={close} /> : <Put {...(ask.put ? { secret: ask.put } : {})} onClose={close} />)}
		</section>
	)
}
