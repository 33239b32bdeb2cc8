import { useState } from 'preact/hooks'
import type { CheckResult } from '../../api/contract'
import { latencyText, plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { CheckBadge } from '../../ui/State'
import { Time } from '../../ui/Time'
import { DetailParts } from './Detail'

const FIRST = 12

/** Where the time of one result went, as a bar of its phases. */
function Phases({ timings }: { timings: NonNullable<CheckResult['timings']> }) {
	const steps = [['name', timings.dns_ms], ['connect', timings.connect_ms], ['TLS', timings.tls_ms], ['first byte', timings.first_byte_ms]] as const
	const known = steps.filter(([, ms]) => ms !== null && ms > 0)
	return (
		<div class="phases">
			<div class="strip" aria-hidden="true">{known.map(([name, ms], i) => <i key={name} class={`tone-${i}`} style={{ flexGrow: ms! }} />)}</div>
			<div class="small soft row">{known.map(([name, ms], i) => <span key={name} class="row tight"><i class={`swatch tone-${i}`} />{name} <span class="num">{latencyText(ms)}</span></span>)}<span>all <span class="num">{latencyText(timings.total_ms)}</span></span></div>
		</div>
	)
}

export function ResultCard({ result }: { result: CheckResult }) {
	return (
		<div class="stack">
			<div class="row wide"><CheckBadge state={result.state} pill /><span class="grow">{result.reason}</span></div>
			{result.timings && <Phases timings={result.timings} />}
			<dl class="facts">
				{result.status !== null && <><dt>Status</dt><dd class="num">{result.status}</dd></>}
				{result.address && <><dt>Address</dt><dd class="num">{result.address}</dd></>}
				{result.cert && <><dt>Certificate</dt><dd>{result.cert.subject}, {plural(result.cert.days, 'day')} left</dd></>}
			</dl>
			<DetailParts detail={result.detail} />
		</div>
	)
}

export function ResultTable({ results }: { results: readonly CheckResult[] }) {
	const [all, setAll] = useState(false)
	if (results.length === 0) return <p class="small soft">No result yet since the server started.</p>
	return (
		<div class="scroll">
			<table class="table results">
				<thead><tr><th>At</th><th>Result</th><th>Why</th><th class="right">Latency</th></tr></thead>
				<tbody>
					{(all ? results : results.slice(0, FIRST)).map((r, i) => (
						<tr key={i}><td class="nowrap"><Time at={r.at} /></td><td><CheckBadge state={r.state} /></td><td class="soft">{r.reason}</td><td class="num right">{latencyText(r.latency_ms)}</td></tr>
					))}
				</tbody>
			</table>
			{!all && results.length > FIRST && <div class="more"><Button onClick={() => setAll(true)}>All {results.length}</Button></div>}
		</div>
	)
}
