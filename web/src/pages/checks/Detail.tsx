// What a kind of check has to say beyond its sentence: figures of a plugin, answers of a name server, packets, calls.
import type { CheckResult } from '../../api/contract'
import { latencyText, plural } from '../../lib/words'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'

type Detail = NonNullable<CheckResult['detail']>

const words = { ok: 'up', warn: 'degraded', crit: 'down', unknown: 'unknown' } as const

const scales = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

function number(value: number | null, unit: string): string {
	if (value === null) return '–'
	if (unit !== 'B' || Math.abs(value) < 1000) return `${Number(value.toPrecision(6))}${unit}`
	const step = Math.min(scales.length - 1, Math.floor(Math.log10(Math.abs(value)) / 3))
	return `${(value / 1000 ** step).toPrecision(3)} ${scales[step]}`
}

/** A range like "~:80" or "@10:2e9", its numbers as the value beside it. */
function range(text: string | null, unit: string): string {
	return text === null ? '–' : text.replace(/[-+.\d]+(e[-+]?\d+)?/g, (n) => number(Number(n), unit === 'B' ? unit : ''))
}

function Figures({ plugin }: { plugin: NonNullable<Detail['plugin']> }) {
	return (
		<>
			{plugin.figures.length > 0 && (
				<Wide of="Figures">
					<table class="table figures-table">
						<thead><tr><th>Figure</th><th class="right">Value</th><th class="right">Warns</th><th class="right">Fails</th></tr></thead>
						<tbody>
							{plugin.figures.map((f) => (
								<tr key={f.label}><td>{f.label}</td><td class={`num right s-${words[f.state]}`}>{number(f.value, f.unit)}</td><td class="num right soft">{range(f.warn, f.unit)}</td><td class="num right soft">{range(f.crit, f.unit)}</td></tr>
							))}
						</tbody>
					</table>
				</Wide>
			)}
			{plugin.output && <pre class="small" tabIndex={0}>{plugin.output}</pre>}
			{plugin.errors && <><p class="small soft">On its standard error:</p><pre class="small" tabIndex={0}>{plugin.errors}</pre></>}
			<p class="small quiet">{plugin.exit_code === null ? 'It did not end by itself.' : `Exit status ${plugin.exit_code}.`}{plugin.cut && ' It printed more than is kept.'}</p>
		</>
	)
}

function Packets({ packets }: { packets: NonNullable<Detail['packets']> }) {
	return (
		<dl class="facts">
			<dt>Address</dt><dd class="num">{packets.address}</dd>
			<dt>Packets</dt><dd class="num">{packets.received} of {packets.sent} came back</dd>
			{packets.mean_ms !== null && <><dt>Round trip</dt><dd class="num">{latencyText(packets.best_ms)} best, {latencyText(packets.mean_ms)} on average, {latencyText(packets.worst_ms)} worst</dd></>}
		</dl>
	)
}

function Answers({ dns }: { dns: NonNullable<Detail['dns']> }) {
	return (
		<dl class="facts">
			<dt>Asked</dt><dd class="num">{dns.server}{dns.over_tcp && ' over TCP'}</dd>
			<dt>It said</dt><dd>{dns.code}</dd>
			{dns.answers.length > 0 && <><dt>Answers</dt><dd class="mono">{dns.answers.map((a) => <div key={a}>{a}</div>)}</dd><dt>Kept for</dt><dd class="num">{dns.ttl} s</dd></>}
		</dl>
	)
}

function Calls({ heartbeat: beat }: { heartbeat: NonNullable<Detail['heartbeat']> }) {
	return (
		<dl class="facts">
			<dt>Last call</dt><dd>{beat.heard_at ? <Time at={beat.heard_at} /> : 'none yet'}</dd>
			{beat.well_at && beat.well_at !== beat.heard_at && <><dt>Last well</dt><dd><Time at={beat.well_at} /></dd></>}
			{beat.started_at && <><dt>Runs since</dt><dd><Time at={beat.started_at} /></dd></>}
			{beat.exit_code !== null && <><dt>Exit status</dt><dd class="num">{beat.exit_code}</dd></>}
			{beat.said && <><dt>It said</dt><dd>{beat.said}</dd></>}
		</dl>
	)
}

function Row({ sql }: { sql: NonNullable<Detail['sql']> }) {
	if (!sql.server) return null
	return (
		<dl class="facts">
			<dt>Database</dt><dd class="mono">{sql.server}</dd>
			{sql.version && <><dt>It is</dt><dd>PostgreSQL {sql.version}</dd></>}
			{sql.column && <><dt>{sql.column}</dt><dd class="mono">{sql.value ?? 'NULL'}{sql.cut && '...'}</dd></>}
			{sql.version && <><dt>Rows</dt><dd class="num">{sql.more && 'more than '}{sql.rows}</dd></>}
		</dl>
	)
}

/** Where the time of a journey went: each step begins where the one before it ended. The picture says nothing that the
 *  words beside it do not. */
function Steps({ steps }: { steps: NonNullable<Detail['journey']>['steps'] }) {
	const all = Math.max(1, ...steps.map((s) => s.from_ms + s.took_ms))
	const percent = (ms: number) => `${(100 * ms) / all}%`
	return (
		<ol class="waterfall small journey">
			{steps.map((s, i) => (
				<li key={i} class={s.state}>
					<span class="what"><strong>{i + 1}. {s.name}</strong><span class="quiet mono">{s.method} {s.url}</span>{s.reason && <span class="s-down">{s.reason}</span>}</span>
					<span class="fall" aria-hidden="true">{s.state !== 'not_reached' && <i style={{ left: percent(s.from_ms), width: percent(s.took_ms) }} />}</span>
					<span class="num right">{s.state === 'not_reached' ? 'not reached' : <>{s.status ?? ''}<br />{latencyText(s.took_ms)}{s.redirects > 0 && <span class="quiet"><br />{plural(s.redirects, 'redirect')}</span>}</>}</span>
				</li>
			))}
		</ol>
	)
}

export function DetailParts({ detail }: { detail: CheckResult['detail'] | undefined }) {
	if (!detail) return null
	return (
		<>
			{detail.packets && <Packets packets={detail.packets} />}
			{detail.dns && <Answers dns={detail.dns} />}
			{detail.journey && <Steps steps={detail.journey.steps} />}
			{detail.sql && <Row sql={detail.sql} />}
			{detail.heartbeat && <Calls heartbeat={detail.heartbeat} />}
			{detail.plugin && <Figures plugin={detail.plugin} />}
		</>
	)
}
