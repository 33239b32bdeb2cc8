// Contributing factors as a tree: each explains the one above it. "Why?" on the last one asks on, five times or less.
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import type { Review } from '../../api/contract'
import { Button } from '../../ui/Button'
import { Field, Select, Text } from '../../ui/Field'
import { factorKinds } from './words'
import { Hints } from './Section'

type Factor = Review['factors'][number]
type Kind = Factor['kind']
type Editing = { factor?: Factor, parent: number } | undefined

function Form({ id, editing, onDone, refetch }: { id: number, editing: NonNullable<Editing>, onDone: () => void, refetch: () => Promise<void> }) {
	const [text, setText] = useState(editing.factor?.text ?? '')
	const [kind, setKind] = useState<string>(editing.factor?.kind ?? 'technical')
	const submit = async (event: Event) => {
		event.preventDefault()
		const body = { kind: kind as Kind, text: text.trim(), parent: editing.parent }
		const done = await attempt(() => (editing.factor
			? call('review_factor_update', { id, factor: editing.factor.id }, body)
			: call('review_factor_create', { id }, body)))
		if (done) { onDone(); await refetch() }
	}
	return (
		<form class="form two" onSubmit={submit}>
			<Field label={editing.parent ? 'Why was it so?' : 'What contributed'} whole><Text value={text} onInput={setText} maxLength={500} autofocus /></Field>
			<Field label="Where it lies"><Select value={kind} onInput={setKind} options={factorKinds} /></Field>
			<div class="actions whole"><Button kind="primary" type="submit" disabled={!text.trim()}>Save</Button><Button kind="plain" onClick={onDone}>Cancel</Button></div>
		</form>
	)
}

export function Factors({ review, editable, refetch }: { review: Review, editable: boolean, refetch: () => Promise<void> }) {
	const [editing, setEditing] = useState<Editing>()
	const id = review.review.id
	const done = () => setEditing(undefined)
	const remove = (factor: Factor) => attempt(async () => { await call('review_factor_delete', { id, factor: factor.id }); await refetch() }, 'Taken out')
	const branch = (parent: number | null) => {
		const here = review.factors.filter((f) => f.parent === parent)
		if (here.length === 0) return null
		return (
			<ul class={parent === null ? 'tree' : 'branch'}>
				{here.map((factor) => {
					const leaf = !review.factors.some((f) => f.parent === factor.id)
					return (
						<li key={factor.id}>
							{editing?.factor?.id === factor.id ? <Form id={id} editing={editing} onDone={done} refetch={refetch} /> : (
								<div class="row"><span class="tag">{factor.kind}</span><span class="grow">{factor.text}</span>
									{editable && <><Button size="small" kind="plain" onClick={() => setEditing({ parent: factor.id })}>Why?</Button><Button size="small" kind="plain" icon="edit" title="Change" onClick={() => setEditing({ factor, parent: factor.parent ?? 0 })} />{leaf && <Button size="small" kind="plain" icon="trash" title="Take out" onClick={() => remove(factor)} />}</>}
								</div>
							)}
							<Hints hints={factor.hints} />
							{branch(factor.id)}
							{editing && !editing.factor && editing.parent === factor.id && <Form id={id} editing={editing} onDone={done} refetch={refetch} />}
						</li>
					)
				})}
			</ul>
		)
	}
	return (
		<section class="part" aria-label="Contributing factors">
			<header><h2>Contributing factors</h2>{editable && <Button size="small" kind="plain" icon="plus" onClick={() => setEditing({ parent: 0 })}>Add</Button>}</header>
			{review.factors.length === 0 && !editing && <p class="quiet">There is hardly ever one cause. Name what contributed; then ask of each why it was so.</p>}
			{branch(null)}
			{editing && !editing.factor && editing.parent === 0 && <Form id={id} editing={editing} onDone={done} refetch={refetch} />}
		</section>
	)
}
