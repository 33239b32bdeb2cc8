// One review as a document: what happened stands there already, read from the journal; people add what it means.
import { Fragment } from 'preact'
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call, pathOf } from '../../api/client'
import { useData } from '../../api/data'
import type { Review as Data } from '../../api/contract'
import { may } from '../../lib/may'
import { durationText, fullText, wallClock } from '../../lib/time'
import { listText, plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Select, Text } from '../../ui/Field'
import { Loaded } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Page } from '../../ui/Page'
import { Person } from '../../ui/Person'
import { Skeleton } from '../../ui/Skeleton'
import { PriorityBadge } from '../../ui/State'
import { Time } from '../../ui/Time'
import { Actions } from './Actions'
import { Course } from './Course'
import { Factors } from './Factors'
import { Section } from './Section'
import { dateOf, ReviewBadge } from './words'

type Refetch = () => Promise<void>

function Spans({ review }: { review: Data }) {
	return (
		<dl class="figures">
			{review.spans.map((span) => <div key={span.span}><dt title={span.means}>{span.title}</dt><dd><strong class="num">{span.us === null ? '–' : durationText(span.us / 1000)}</strong><div class="small quiet">{span.means}</div></dd></div>)}
		</dl>
	)
}

function People({ review }: { review: Data }) {
	if (review.people.length === 0) return <p class="quiet">Nobody: it came and went by itself.</p>
	return (
		<ul class="rows">
			{review.people.map((person) => (
				<li key={person.user.id} class="row small"><Person user={person.user} /><span class="soft grow">{listText(person.parts.map((p) => (p.count > 1 ? `${p.part} (${p.count}×)` : p.part)))}</span></li>
			))}
		</ul>
	)
}

function Before({ review }: { review: Data }) {
	const { recurrence } = review
	if (recurrence.count === 0) return <p class="quiet small">No other incident of this service in the {recurrence.days} days before.</p>
	const open = recurrence.earlier.reduce((sum, one) => sum + one.actions_open, 0)
	return (
		<div class="stack">
			<p><strong>The {recurrence.count + 1}{['th', 'st', 'nd', 'rd'][(recurrence.count + 1) % 10 > 3 || Math.floor((recurrence.count + 1) % 100 / 10) === 1 ? 0 : (recurrence.count + 1) % 10]} incident of this service in {recurrence.days} days</strong>{open > 0 && <>, and {plural(open, 'action is', 'actions are')} still open</>}.</p>
			<ul class="rows small">
				{recurrence.earlier.map((one) => (
					<li key={one.id}><div class="row"><PriorityBadge priority={one.priority} /><a class="grow" href={one.review_state ? `/reviews/${one.id}` : `/incidents/${one.id}`}>{one.title}</a><Time at={one.opened_at} only="relative" /></div>
						{(one.factors.length > 0 || one.actions_open > 0) && <div class="quiet">{one.factors.join('; ')}{one.actions_open > 0 && ` · ${plural(one.actions_open, 'open action')}`}</div>}</li>
				))}
			</ul>
		</div>
	)
}

function Line({ item }: { item: Data['timeline'][number] }) {
	const wall = wallClock(Date.parse(item.at))
	return (
		<li class={item.tried ? 'tried' : ''}>
			<a class="num" href={`/journal?as_of=${item.seq}`} title={`${fullText(Date.parse(item.at))}, event ${item.seq} of the journal`}>{wall.hour}:{wall.minute}:{wall.second}</a>
			<span><span class="pre">{item.text}</span> {item.actor && <span class="quiet">{item.actor.name}</span>}{item.around && <span class="tag">beside it</span>}</span>
		</li>
	)
}

function Happened({ review }: { review: Data }) {
	const [all, setAll] = useState(false)
	const gapAfter = new Map(review.gaps.map((gap) => [gap.after_seq, gap]))
	const shown = review.timeline.filter((item) => all || item.tried || !/^page\.|^escalation\./.test(item.kind) || gapAfter.has(item.seq))
	return (
		<section class="part" aria-label="Timeline">
			<header><h2>Timeline</h2><Button size="small" kind="plain" onClick={() => setAll(!all)}>{all ? 'Without pages' : `All ${review.timeline.length} events`}</Button></header>
			<ol class="happened">
				{shown.map((item) => {
					const gap = gapAfter.get(item.seq)
					return <Fragment key={item.seq}><Line item={item} />{gap && <li class="gap"><span /><span>{durationText(gap.us / 1000)} in which nothing was recorded</span></li>}</Fragment>
				})}
			</ol>
			<p class="small quiet">What people did to mend it stands out. {plural(review.paging.written, 'page')} written, {review.paging.arrived} left, {review.paging.failed} failed.{review.timeline_cut && ' More happened than is shown.'}</p>
		</section>
	)
}

function Give({ review, onClose, refetch }: { review: Data, onClose: () => void, refetch: Refetch }) {
	const people = useData('user_list', { limit: 200 }, ['user'])
	const [owner, setOwner] = useState(String(review.review.owner?.id ?? 0))
	const [due, setDue] = useState(dateOf(review.review.due_at))
	const submit = async (event: Event) => {
		event.preventDefault()
		const changed = due !== dateOf(review.review.due_at)
		if (await attempt(() => call('review_update', { id: review.review.id }, { owner: Number(owner), ...(changed ? { due_at: `${due}T17:00:00Z` } : {}) }), 'Saved')) { onClose(); await refetch() }
	}
	return (
		<Dialog title="Who writes it, by when" onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<Field label="Owner"><Select value={owner} onInput={setOwner} options={[['0', 'Nobody yet'], ...(people.data?.items ?? []).filter((u) => !u.disabled).map((u) => [String(u.id), u.name] as const)]} /></Field>
				<Field label="Due"><Text type="date" value={due} onInput={setDue} required /></Field>
				<div class="actions"><Button kind="primary" type="submit">Save</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Waive({ id, onClose, refetch }: { id: number, onClose: () => void, refetch: Refetch }) {
	const [reason, setReason] = useState('')
	const submit = async (event: Event) => {
		event.preventDefault()
		if (await attempt(() => call('review_state', { id }, { state: 'waived', reason: reason.trim() }), 'Left out')) { onClose(); await refetch() }
	}
	return (
		<Dialog title="Leave this review out" onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<Field label="Why" about="It stays in the record, with your name."><Text value={reason} onInput={setReason} lines={2} autofocus /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!reason.trim()}>Leave it out</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Acts({ review, refetch }: { review: Data, refetch: Refetch }) {
	const [ask, setAsk] = useState<'give' | 'waive'>()
	const { id, state } = review.review
	const to = (next: 'draft' | 'in_review' | 'published', done: string) => attempt(async () => { await call('review_state', { id }, { state: next }); await refetch() }, done)
	const pressing = state === 'draft' || state === 'in_review'
	return (
		<>
			<a class="button plain" href={pathOf('review_export', { id })} download>Markdown</a>
			<a class="button plain" href={pathOf('review_export', { id, format: 'html' })} download>HTML</a>
			<Button kind="plain" onClick={() => print()}>Print</Button>
			{may('respond') && pressing && <Button onClick={() => setAsk('give')}>Owner and date</Button>}
			{may('manage') && pressing && <Button kind="plain" onClick={() => setAsk('waive')}>Leave out</Button>}
			{may('respond') && state === 'draft' && <Button kind="primary" onClick={() => to('in_review', 'Handed in')}>Hand in</Button>}
			{may('respond') && state === 'in_review' && <><Button onClick={() => to('draft', 'Back to draft')}>Back to draft</Button><Button kind="primary" icon="check" onClick={() => to('published', 'Published')}>Publish</Button></>}
			{may('respond') && (state === 'published' || state === 'waived') && <Button icon="undo" onClick={() => to('draft', 'Taken up again')}>Take up again</Button>}
			{ask === 'give' && <Give review={review} onClose={() => setAsk(undefined)} refetch={refetch} />}
			{ask === 'waive' && <Waive id={id} onClose={() => setAsk(undefined)} refetch={refetch} />}
		</>
	)
}

function Face({ review, refetch }: { review: Data, refetch: Refetch }) {
	const { review: row } = review
	const editable = may('respond') && (row.state === 'draft' || row.state === 'in_review' || row.state === 'waiting')
	const part = (name: string) => review.sections.filter((s) => s.section === name).map((s) => <Section key={s.section} id={row.id} part={s} editable={editable} refetch={refetch} />)
	return (
		<div class="stack review">
			{row.state === 'waiting' && <Notice tone="info" what="The incident goes on">The review comes back when it is resolved; what is written here stays.</Notice>}
			<section class="card"><header><h2>The course of it</h2><span class="small quiet">read from the journal up to event {review.up_to}</span></header><Course review={review} /></section>
			<section class="card"><header><h2>How long it took</h2></header><Spans review={review} /></section>
			<div class="columns">
				<article class="stack wide document card">
					{part('summary')}{part('impact')}
					<Factors review={review} editable={editable} refetch={refetch} />
					{part('root_cause')}{part('went_well')}{part('went_badly')}{part('lucky')}
					<Actions review={review} refetch={refetch} />
					<Happened review={review} />
				</article>
				<aside class="stack" aria-label="Who, and what came before">
					<section class="card"><header><h2>Who took part</h2></header><People review={review} /></section>
					<section class="card"><header><h2>Seen before</h2></header><Before review={review} /></section>
					{review.alerts.length > 0 && <section class="card"><header><h2>Alerts</h2></header><ul class="rows small">{review.alerts.map((a) => <li key={a.id}><strong>{a.name}</strong><div class="soft">{a.annotations['summary']}</div><div class="quiet"><Time at={a.started_at} only="clock" />{a.resolved_at && <> to <Time at={a.resolved_at} only="clock" /></>}</div></li>)}</ul></section>}
				</aside>
			</div>
		</div>
	)
}

export default function Review({ params }: { params: Record<string, string> }) {
	const data = useData('review_get', { id: Number(params['id']) }, ['review', 'incident'])
	const row = data.data?.review
	return (
		<Page crumb={{ href: '/reviews', text: 'Reviews' }} name={row ? `Review: ${row.title}` : 'Review'}
			title={row ? <span class="incident-title"><PriorityBadge priority={row.priority} big /><span>{row.title}</span></span> : 'Review'}
			sub={row && <span class="row wide"><ReviewBadge row={row} pill />{row.published_at ? <span>published by {row.published_by?.name ?? 'somebody'}, <Time at={row.published_at} /></span> : <span>due <Time at={row.due_at} /></span>}<span>{row.owner ? <Person user={row.owner} /> : 'nobody answers for it yet'}</span><a href={`/incidents/${row.id}`}>Incident #{row.id}</a></span>}
			actions={data.data && <Acts review={data.data} refetch={data.refetch} />}>
			<Loaded of={data} skeleton={<Skeleton lines={8} height={48} />}>{(review) => <Face review={review} refetch={data.refetch} />}</Loaded>
		</Page>
	)
}
