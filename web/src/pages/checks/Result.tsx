import { useState } from 'preact/hooks'
import type { CheckResult } from '../../api/contract'
import { latencyText, plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { CheckBadge } from '../../ui/State'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'
import { DetailParts } from './Detail'

const FIRST = 12

type Timings = NonNullable<CheckResult['timings']>

/** The steps one after the other, each beginning where the one before it ended; what is left over is the rest of the
 *  answer, and redirects before the last address. */
function fallOf(timings: Timings) {
	const named = [['Name', timings.dns_ms], ['Connect', timings.connect_ms], ['TLS', timings.tls_ms], ['First byte', timings.first_byte_ms]] as const
	let at = 0
	const steps = named.filter(([, ms]) => ms !== null && ms > 0).map(([name, ms]) => {
		const step = { name: name as string, ms: ms!, from: at }
		at += ms!
		return step
	})
	const rest = timings.total_ms - at
	if (steps.length > 0 && rest > 0) steps.push({ name: 'Rest', ms: rest, from: at })
	return { steps, all: Math.max(at, timings.total_ms) }
}

/** Where the time of one result went. The picture says nothing that the words beside it do not. */
export function Waterfall({ timings }: { timings: Timings }) {
	const { steps, all } = fallOf(timings)
	const percent = (ms: number) => `${(100 * ms) / all}%`
	return (
		<ol class="waterfall small">
			{steps.map((s) => (
				<li key={s.name}><span>{s.name}</span><span class="fall" aria-hidden="true"><i style={{ left: percent(s.from), width: percent(s.ms) }} /></span><span class="num right">{latencyText(s.ms)}</span></li>
			))}
			<li class="all"><span>All</span><span /><span class="num right">{latencyText(timings.total_ms)}</span></li>
		</ol>
	)
}

export function ResultCard({ result }: { result: CheckResult }) {
	return (
		<div class="stack">
			<div class="row wide"><CheckBadge state={result.state} pill /><span class="grow">{result.reason}</span></div>
			{result.timings && !result.detail?.journey && <Waterfall timings={result.timings} />}
			<dl class="facts">
				{result.status !== null && <><dt>Status</dt><dd class="num">{result.status}</dd></>}
				{result.address && <><dt>Address</dt><dd class="num">{result.address}</dd></>}
				{result.cert && <><dt>Certificate</dt><dd>{result.cert.subject}</dd><dt>Issued by</dt><dd>{result.cert.issuer}</dd><dt>Ends</dt><dd><Time at={result.cert.not_after} only="clock" />, {plural(result.cert.days, 'day')} left</dd></>}
			</dl>
			<DetailParts detail={result.detail} />
		</div>
	)
}

export function ResultTable({ results }: { results: readonly CheckResult[] }) {
	const [all, setAll] = useState(false)
	if (results.length === 0) return <p class="small soft">No result yet since the server started.</p>
	return (
		<Wide of="Results">
			<table class="table results">
				<thead><tr><th>At</th><th>Result</th><th>Why</th><th class="right">Latency</th></tr></thead>
				<tbody>
					{(all ? results : results.slice(0, FIRST)).map((r, i) => (
						<tr key={i}><td class="nowrap"><Time at={r.at} /></td><td><CheckBadge state={r.state} /></td><td class="soft">{r.reason}</td><td class="num right">{latencyText(r.latency_ms)}</td></tr>
					))}
				</tbody>
			</table>
			{!all && results.length > FIRST && <div class="more"><Button onClick={() => setAll(true)}>All {results.length}</Button></div>}
		</Wide>
	)
}
