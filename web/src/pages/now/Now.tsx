// What is wrong, who is on it, what to do next: one request.
import { nowRooms, useData } from '../../api/data'
import type { CheckRow, IncidentRow, Mute, Now as NowData } from '../../api/contract'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import { useKeys } from '../../lib/keys'
import { go } from '../../lib/route'
import { may } from '../../lib/may'
import { latencyText, plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Loaded } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Page } from '../../ui/Page'
import { Skeleton } from '../../ui/Skeleton'
import { CheckBadge, Shape } from '../../ui/State'
import { Time } from '../../ui/Time'
import { OnCallRows } from '../oncall/OnCallRows'
import { acknowledge } from '../incidents/acknowledge'
import { Calm } from './Calm'
import { Discovery } from './Discovery'
import { headline } from './headline'
import { IncidentCard } from './IncidentCard'
import { ReportsWaiting } from '../reports/ReportsWaiting'

const tallyStates = ['down', 'degraded', 'unknown', 'paused', 'up'] as const
const tallyWords = { down: 'down', degraded: 'degraded', unknown: 'not known', paused: 'paused', up: 'up' }

/** All checks as one strip, worst first; the figures stand below with their words. */
function Tally({ checks }: { checks: NowData['checks'] }) {
	const shown = tallyStates.filter((state) => checks[state] > 0)
	if (shown.length === 0) return null
	return (
		<div class="tally">
			<div class="strip" aria-hidden="true">{shown.map((state) => <i key={state} class={state} style={{ flexGrow: checks[state] }} />)}</div>
			<ul class="row wide small">
				{shown.map((state) => <li key={state}><a class={`state s-${state}`} href={`/checks?state=${state}`}><Shape name={state} />{checks[state]} {tallyWords[state]}</a></li>)}
				{checks.muted > 0 && <li><a class="state s-muted" href="/checks?state=muted"><Shape name="muted" />{checks.muted} muted</a></li>}
			</ul>
		</div>
	)
}

function Worst({ rows }: { rows: CheckRow[] }) {
	const bad = rows.filter((row) => row.state === 'down' || row.state === 'degraded')
	if (bad.length === 0) return null
	return (
		<section class="section">
			<header><h2>Checks that are not well</h2><a class="small" href="/checks">All checks</a></header>
			<ul class="card rows">
				{bad.map((row) => (
					<li key={row.name} class="worst">
						<CheckBadge state={row.state} />
						<div class="grow"><a href={`/checks/${row.name}`}><strong>{row.display}</strong></a><div class="small soft">{row.last_reason ?? row.target}</div></div>
						<div class="small quiet meta">{row.last_latency_ms !== null && <span class="num">{latencyText(row.last_latency_ms)}</span>}{row.since && <Time at={row.since} only="relative" />}</div>
					</li>
				))}
			</ul>
		</section>
	)
}

function Mutes({ mutes, refetch }: { mutes: Mute[], refetch: () => unknown }) {
	if (mutes.length === 0) return null
	return (
		<section class="card">
			<header><h2>Muted now</h2></header>
			<ul class="rows">
				{mutes.map((mute) => (
					<li key={mute.id} class="row nowrap">
						<div class="grow small">
							<div class="state s-muted"><Shape name="muted" />{mute.kind === 'all' ? 'Everything' : mute.name}</div>
							<div class="soft">{mute.reason}{mute.by && <span class="quiet"> · {mute.by.name}</span>}</div>
							<div class="quiet">until <Time at={mute.until} /></div>
						</div>
						{may('respond') && <Button size="small" onClick={() => attempt(async () => { await call('mute_delete', { id: mute.id }); await refetch() }, 'The mute has ended')}>End</Button>}
					</li>
				))}
			</ul>
		</section>
	)
}

function Planned({ now }: { now: NowData }) {
	if (now.maintenances.length === 0) return null
	return (
		<section class="card">
			<header><h2>Maintenance</h2><a class="small" href="/status-pages">All</a></header>
			<ul class="rows">
				{now.maintenances.map((m) => (
					<li key={m.id} class="small">
						<div class={m.state === 'scheduled' ? '' : 's-taken'}><strong>{m.title}</strong></div>
						<div class="quiet">{m.state === 'scheduled' ? <>begins <Time at={m.from} /></> : <>until <Time at={m.until} /></>} · {m.services.join(', ')}</div>
					</li>
				))}
			</ul>
		</section>
	)
}

function Owed({ now }: { now: NowData }) {
	const { reviews_owed: reviews, actions_owed: actions } = now
	if (reviews.length === 0 && actions.length === 0) return null
	return (
		<section class="card">
			<header><h2>Yours to write and do</h2><a class="small" href="/reviews">All reviews</a></header>
			<ul class="rows small">
				{reviews.map((row) => <li key={row.id}><a href={`/reviews/${row.id}`}>Review: {row.title}</a><div class={row.overdue ? 's-down' : 'quiet'}>{row.overdue ? 'overdue since' : 'due'} <Time at={row.due_at} /></div></li>)}
				{actions.map((row) => <li key={`a${row.id}`}><a href={`/reviews/${row.review}`}>{row.text}</a><div class={row.overdue ? 's-down' : 'quiet'}>{row.overdue ? 'overdue since' : 'due'} <Time at={row.due_at} /></div></li>)}
			</ul>
		</section>
	)
}

function Warnings({ now }: { now: NowData }) {
	if (now.warnings.length === 0 && now.updates_due.length === 0) return null
	return (
		<div class="stack">
			{now.updates_due.map((due) => <Notice key={due.incident} tone="warn" what={<>{due.late ? 'An update is late' : 'An update is due soon'} for {due.audience === 'public' ? 'customers' : 'those inside'}: <a href={`/incidents/${due.incident}`}>{due.title}</a></>}><Time at={due.due_at} /></Notice>)}
			{now.warnings.map((w) => <Notice key={w.code} tone="warn" what={w.text} action={w.link && <a class="button small" href={w.link}>See</a>}>{w.hint}</Notice>)}
		</div>
	)
}

function Face({ now, refetch, show }: { now: NowData, refetch: () => Promise<void>, show: (id: number) => (change: (row: IncidentRow) => IncidentRow) => void }) {
	return (
		<div class="columns">
			<div class="stack wide">
				{now.incidents.length > 0 && (
					<section aria-label="Open incidents" aria-live="polite">
						<ul class="stack">{now.incidents.map((row) => <IncidentCard key={row.id} row={row} show={show(row.id)} />)}</ul>
					</section>
				)}
				<Warnings now={now} />
				<ReportsWaiting />
				{now.first_run && <Discovery first onWatched={refetch} />}
				{now.incidents.length === 0 && !now.first_run && now.checks.down === 0 && (
					<Calm checks={now.checks.up + now.checks.degraded + now.checks.unknown + now.checks.paused} />
				)}
				<Worst rows={now.checks.worst} />
			</div>
			<aside class="stack" aria-label="Who and what else">
				<section class="card"><header><h2>On call now</h2><a class="small" href="/on-call">Roster</a></header><OnCallRows rows={now.on_call} /></section>
				<Planned now={now} />
				<Owed now={now} />
				<Mutes mutes={now.mutes} refetch={refetch} />
			</aside>
		</div>
	)
}

export function Now() {
	const now = useData('now_get', {}, nowRooms)
	const show = (id: number) => (change: (row: IncidentRow) => IncidentRow) =>
		now.mutate((data) => ({ ...data, incidents: data.incidents.map((row) => (row.id === id ? change(row) : row)) }))
	const first = now.data?.incidents.find((row) => row.state === 'open')
	useKeys([
		{ keys: 'a', about: 'Acknowledge the first incident that waits', run: () => first && may('respond') && acknowledge(first, show(first.id)) },
		{ keys: 'Enter', about: 'Open the first incident', run: () => now.data?.incidents[0] && go(`/incidents/${now.data.incidents[0].id}`) },
	], [first?.id, now.data?.incidents[0]?.id])
	const head = now.data && headline(now.data)
	const title = head
		? <span class={`headline s-${head.tone}`}><Shape name={head.tone} size={30} /><span>{head.text}</span></span>
		: 'Now'
	return (
		<Page title={title} name={first ? `(${plural(now.data!.incidents.filter((i) => i.state === 'open').length, 'open')}) Now` : 'Now'} sub={now.data && <Tally checks={now.data.checks} />}>
			<Loaded of={now} skeleton={<div class="columns"><Skeleton lines={5} height={64} /><Skeleton lines={4} height={40} /></div>}>
				{(data) => <Face now={data} refetch={now.refetch} show={show} />}
			</Loaded>
		</Page>
	)
}
