// What is done so that it does not happen again: who, by when, where it is followed.
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import { useData } from '../../api/data'
import type { Review, ReviewAction } from '../../api/contract'
import { may } from '../../lib/may'
import { Button } from '../../ui/Button'
import { Field, Select, Text } from '../../ui/Field'
import { Person } from '../../ui/Person'
import { Time } from '../../ui/Time'
import { ActionBadge } from './AllActions'
import { dateOf } from './words'

function Form({ id, action, onDone, refetch }: { id: number, action?: ReviewAction, onDone: () => void, refetch: () => Promise<void> }) {
	const people = useData('user_list', { limit: 200 }, ['user'])
	const [text, setText] = useState(action?.text ?? '')
	const [owner, setOwner] = useState(String(action?.owner?.id ?? 0))
	const [due, setDue] = useState(action ? dateOf(action.due_at) : '')
	const [link, setLink] = useState(action?.link ?? '')
	const [state, setState] = useState<string>(action?.state ?? 'open')
	const submit = async (event: Event) => {
		event.preventDefault()
		const body = { text: text.trim(), owner: Number(owner), link: link.trim(), state: state as ReviewAction['state'], ...(due ? { due_at: `${due}T17:00:00Z` } : {}) }
		const done = await attempt(() => (action ? call('review_action_update', { id, action: action.id }, body) : call('review_action_create', { id }, body)))
		if (done) { onDone(); await refetch() }
	}
	return (
		<form class="form two" onSubmit={submit}>
			<Field label="What is done" whole about="Something one can see that it is done."><Text value={text} onInput={setText} maxLength={500} autofocus /></Field>
			<Field label="Owner"><Select value={owner} onInput={setOwner} options={[['0', 'Nobody yet'], ...(people.data?.items ?? []).filter((u) => !u.disabled).map((u) => [String(u.id), u.name] as const)]} /></Field>
			<Field label="Due" optional><Text type="date" value={due} onInput={setDue} /></Field>
			<Field label="Ticket" optional><Text type="url" value={link} onInput={setLink} placeholder="https://" /></Field>
			{action && <Field label="State"><Select value={state} onInput={setState} options={[['open', 'Open'], ['done', 'Done'], ['dropped', 'Dropped']]} /></Field>}
			<div class="actions whole"><Button kind="primary" type="submit" disabled={!text.trim()}>Save</Button><Button kind="plain" onClick={onDone}>Cancel</Button></div>
		</form>
	)
}

export function Actions({ review, refetch }: { review: Review, refetch: () => Promise<void> }) {
	const [editing, setEditing] = useState<number>()
	const id = review.review.id
	const done = () => setEditing(undefined)
	return (
		<section class="part" aria-label="Actions">
			<header><h2>Actions</h2>{may('respond') && <Button size="small" kind="plain" icon="plus" onClick={() => setEditing(0)}>Add</Button>}</header>
			{review.actions.length === 0 && editing !== 0 && <p class="quiet">What is done so that it does not happen again, or is noticed sooner. Each has an owner and a day.</p>}
			<ul class="rows">
				{review.actions.map((action) => (
					<li key={action.id}>
						{editing === action.id ? <Form id={id} action={action} onDone={done} refetch={refetch} /> : (
							<div class="row"><ActionBadge action={action} /><span class="grow">{action.text}{action.link && <> <a href={action.link} rel="noreferrer noopener" target="_blank">ticket</a></>}</span>
								{action.owner ? <Person user={action.owner} /> : <span class="quiet">nobody yet</span>}<span class="small quiet">due <Time at={action.due_at} only="clock" /></span>
								{may('respond') && <Button size="small" kind="plain" icon="edit" title="Change" onClick={() => setEditing(action.id)} />}
							</div>
						)}
					</li>
				))}
			</ul>
			{editing === 0 && <Form id={id} onDone={done} refetch={refetch} />}
		</section>
	)
}
