// One check: how it is, how it was, what can be done with it.
import { useMemo, useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import { useData } from '../../api/data'
import type { Check as Data, CheckResult } from '../../api/contract'
import { serverNow } from '../../lib/clock'
import { useKeys } from '../../lib/keys'
import { may } from '../../lib/may'
import { go, place, setQuery } from '../../lib/route'
import { DAY, HOUR, MINUTE, toServer } from '../../lib/time'
import { latencyText, percentText, plural, sentenceCase } from '../../lib/words'
import { Button } from '../../ui/Button'
import { LatencyChart } from '../../ui/Chart'
import { Dialog } from '../../ui/Dialog'
import { Field, Text } from '../../ui/Field'
import { Loaded } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Page } from '../../ui/Page'
import { Skeleton } from '../../ui/Skeleton'
import { AlertBadge, CheckBadge } from '../../ui/State'
import { Time } from '../../ui/Time'
import { UptimeBars } from '../../ui/UptimeBars'
import { askedAt } from '../query/answer'
import { AddressButton } from './Address'
import { DetailParts } from './Detail'
import { MuteDialog } from './Mute'
import { ResultCard, ResultTable, Waterfall } from './Result'

const rooms = ['check', 'mute', 'alert', 'definition', 'resource']
const spans = { '1h': HOUR, '24h': DAY, '7d': 7 * DAY, '30d': 30 * DAY, '90d': 90 * DAY }
type SpanName = keyof typeof spans

/** What of a check's series says most about its kind. */
const telling: Partial<Record<Data['kind'], string>> = { http: 'probe_http_duration_seconds', journey: 'probe_step_duration_seconds', command: 'probe_perfdata' }

function Latency({ name, kind }: { name: string, kind: Data['kind'] }) {
	const span = (place.value.query.get('span') ?? '24h') as SpanName
	const length = spans[span] ?? DAY
	// The window is fixed when it is chosen, to the minute: a window that slid would be a new request each time.
	const [from, to] = useMemo(() => {
		const end = Math.ceil(serverNow() / MINUTE) * MINUTE
		return [toServer(end - length), toServer(end)]
	}, [length, name])
	const series = useData('check_series', { name, from, to }, ['check'])
	return (
		<section class="card">
			<header><h2>Latency</h2><a class="small" href={askedAt(`${telling[kind] ?? 'probe_duration_seconds'}{instance="${name}"}`)}>Its series</a>
				<div class="segments" role="group" aria-label="Span">{Object.keys(spans).map((s) => <button key={s} type="button" aria-pressed={s === span} onClick={() => setQuery({ span: s })}>{s}</button>)}</div>
			</header>
			<Loaded of={series} skeleton={<Skeleton lines={6} height={32} />}>
				{(data) => (data.points.length > 0 ? <LatencyChart series={data} /> : <p class="small soft">No result in this span.</p>)}
			</Loaded>
		</section>
	)
}

function Uptime({ check }: { check: Data }) {
	return (
		<section class="card">
			<header><h2>Uptime</h2></header>
			<UptimeBars bars={check.bars} scale height={40} />
			<div class="figures">
				<div><strong class="num">{percentText(check.uptime.day)}</strong><span>24 hours</span></div>
				<div><strong class="num">{percentText(check.uptime.week)}</strong><span>7 days</span></div>
				<div><strong class="num">{percentText(check.uptime.month)}</strong><span>30 days</span></div>
				<div><strong class="num">{latencyText(check.last_latency_ms)}</strong><span>last answer</span></div>
			</div>
		</section>
	)
}

function specText(value: unknown): string {
	if (Array.isArray(value)) return value.map(specText).join(', ')
	if (value && typeof value === 'object') return Object.entries(value).map(([k, v]) => `${k} ${specText(v)}`).join(', ')
	return String(value)
}

function Facts({ check }: { check: Data }) {
	return (
		<section class="card">
			<header><h2>Definition</h2>{may('manage') && <a class="button small" href={`/checks/${check.name}/edit`}>Edit</a>}</header>
			<dl class="facts">
				{Object.entries(check.spec).map(([key, value]) => <><dt>{sentenceCase(key)}</dt><dd class={key === 'url' ? 'mono' : ''}>{specText(value)}</dd></>)}
				<dt>Managed by</dt><dd>{check.manager === 'people' ? 'people' : <>file set <code>{check.manager}</code></>}</dd>
			</dl>
		</section>
	)
}

function Certificate({ check }: { check: Data }) {
	if (!check.cert) return null
	const { cert } = check
	return (
		<section class="card">
			<header><h2>Certificate</h2><span class={`state s-${cert.days < 7 ? 'down' : cert.days < 21 ? 'degraded' : 'up'}`}>{plural(cert.days, 'day')} left</span></header>
			<dl class="facts"><dt>For</dt><dd>{cert.subject}</dd><dt>By</dt><dd>{cert.issuer}</dd><dt>Until</dt><dd><Time at={cert.not_after} only="clock" /></dd></dl>
		</section>
	)
}

const found: Record<string, string> = { icmp: 'Packets', dns: 'Answers', command: 'What the plugin said', heartbeat: 'Calls', sql: 'What the database answered', journey: 'The last journey' }

/** The newest result's own part; a heartbeat without calls still needs its address. */
function Found({ check, newest }: { check: Data, newest: CheckResult | undefined }) {
	const title = found[check.kind]
	if (!title || (!newest?.detail && check.kind !== 'heartbeat')) return null
	return (
		<section class="card">
			<header><h2>{title}</h2>{check.kind === 'heartbeat' && may('manage') && <AddressButton name={check.name} called={!!newest?.detail} />}</header>
			{newest?.detail ? <DetailParts detail={newest.detail} /> : <p class="small soft">Nobody can call it yet. Make its address, and let the job call it when it has run.</p>}
		</section>
	)
}

/** Where the time of the newest look went, and whom it reached. */
function Way({ newest }: { newest: CheckResult | undefined }) {
	if (!newest?.timings || newest.detail?.journey) return null
	return (
		<section class="card">
			<header><h2>The last look</h2><span class="small soft">{newest.address && <><span class="mono">{newest.address}</span> · </>}{newest.node && <>by <span class="mono">{newest.node}</span> · </>}<Time at={newest.at} only="relative" /></span></header>
			<Waterfall timings={newest.timings} />
		</section>
	)
}

function PauseDialog({ name, onClose, onDone }: { name: string, onClose: () => void, onDone: () => unknown }) {
	const [reason, setReason] = useState('')
	const submit = async (event: Event) => {
		event.preventDefault()
		if (await attempt(() => call('check_pause', { name }, { reason: reason.trim() }), 'The check is paused')) { onClose(); await onDone() }
	}
	return (
		<Dialog title={`Pause ${name}`} onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<p class="small soft">It is not run until somebody resumes it. For a planned restart, mute it: a mute ends by itself.</p>
				<Field label="Why"><Text value={reason} onInput={setReason} autofocus /></Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!reason.trim()}>Pause</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function States({ check }: { check: Data }) {
	return (
		<div class="stack">
			{check.state === 'paused' && <Notice tone="warn" what="This check is paused: nobody would notice">{check.paused_reason}</Notice>}
			{check.state === 'unknown' && check.last_at && check.last_reason && <Notice tone="warn" what={check.last_reason}>It is not known how it is: nobody is paged for this check until it can be looked at.</Notice>}
			{check.muted_until && <Notice tone="info" what={<>Muted until <Time at={check.muted_until} /></>}>It runs and is recorded, but pages nobody.</Notice>}
			{(check.state === 'down' || check.state === 'degraded') && check.last_reason && (
				<Notice tone={check.state === 'down' ? 'bad' : 'warn'} what={check.last_reason} action={check.alert?.incident && <a class="button small" href={`/incidents/${check.alert.incident}`}>Incident #{check.alert.incident}</a>}>
					{check.since && <>since <Time at={check.since} /></>}{check.alert && <> · the alert is <AlertBadge state={check.alert.state} /></>}
				</Notice>
			)}
		</div>
	)
}

export default function Check({ params }: { params: Record<string, string> }) {
	const name = params['name']!
	const data = useData('check_get', { name }, rooms)
	const results = useData('check_results', { name }, rooms)
	const [ask, setAsk] = useState<'mute' | 'pause'>()
	const [ran, setRan] = useState<CheckResult>()
	const check = data.data
	const again = () => Promise.all([data.refetch(), results.refetch()])
	const run = async () => {
		const result = await attempt(() => call('check_run', { name }))
		if (result) { setRan(result); await again() }
	}
	const resume = () => attempt(async () => { await call('check_resume', { name }); await again() }, 'The check runs again')
	useKeys([
		{ keys: 'x', about: 'Run the check now', run: () => may('respond') && run() },
		{ keys: 'm', about: 'Mute the check', run: () => may('respond') && setAsk('mute') },
		{ keys: 'e', about: 'Edit the check', run: () => may('manage') && go(`/checks/${name}/edit`) },
	], [name])
	const actions = check && may('respond') && (
		<>
			<Button icon="play" onClick={run}>Run now</Button>
			<Button icon="mute" onClick={() => setAsk('mute')}>Mute</Button>
			{may('manage') && (check.state === 'paused' ? <Button icon="play" onClick={resume}>Resume</Button> : <Button icon="pause" onClick={() => setAsk('pause')}>Pause</Button>)}
		</>
	)
	const sub = check && (
		<span class="row wide"><CheckBadge state={check.state} pill /><span class="mono small">{check.target}</span>
			{check.service && <a href={`/services/${check.service}`}>{check.service}</a>}{check.last_at && <span class="small">last run <Time at={check.last_at} only="relative" /></span>}</span>
	)
	return (
		<Page title={check?.display ?? name} crumb={{ href: '/checks', text: 'Checks' }} sub={sub} actions={actions}>
			<Loaded of={data} skeleton={<Skeleton lines={6} height={60} />}>
				{(now) => (
					<div class="stack wide">
						<States check={now} />
						<div class="columns">
							<div class="stack"><Found check={now} newest={results.data?.items[0]} /><Uptime check={now} /><Latency name={name} kind={now.kind} /><Way newest={results.data?.items[0]} />
								<section class="card flush"><header><h2>Last results</h2></header><Loaded of={results}>{(list) => <ResultTable results={list.items} />}</Loaded></section>
							</div>
							<aside class="stack" aria-label="Definition and certificate"><Facts check={now} /><Certificate check={now} /></aside>
						</div>
					</div>
				)}
			</Loaded>
			{ask === 'mute' && check && <MuteDialog kind="check" name={name} what={check.display} onClose={() => setAsk(undefined)} onDone={again} />}
			{ask === 'pause' && <PauseDialog name={name} onClose={() => setAsk(undefined)} onDone={again} />}
			{ran && <Dialog title="Result of this run" onClose={() => setRan(undefined)}><ResultCard result={ran} /></Dialog>}
		</Page>
	)
}
