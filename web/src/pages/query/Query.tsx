// Ask time series: an expression, a span, its lines and its values. The address is the whole question.
import { useEffect, useMemo, useRef, useState } from 'preact/hooks'
import { useData } from '../../api/data'
import type { PrometheusQuery } from '../../api/contract'
import { serverNow } from '../../lib/clock'
import { useKeys } from '../../lib/keys'
import { place, setQuery } from '../../lib/route'
import { Button } from '../../ui/Button'
import { Empty } from '../../ui/Empty'
import { Segments } from '../../ui/Filters'
import { ProblemFace } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Page } from '../../ui/Page'
import { Shape } from '../../ui/State'
import { Skeleton } from '../../ui/Skeleton'
import { Wide } from '../../ui/Wide'
import { askedAt, refusalOf, seriesOf, SERIES_SHOWN_MAX, spanOf, SPANS, valueText, type Series, type Span } from './answer'
import { HUES, SeriesChart } from './SeriesChart'
import { Targets } from './Targets'

function Refused({ text, detail }: { text: string, detail: string }) {
	const refusal = refusalOf(detail)
	const line = refusal.line ? text.split('\n')[refusal.line - 1] : undefined
	return (
		<div class="refused" role="alert" id="query-bad">
			<p class="bad"><Shape name="down" size={12} />{refusal.text}</p>
			{line !== undefined && <Wide of="Where it is wrong"><pre class="mono small">{line}{'\n'}{' '.repeat(Math.max(0, refusal.column! - 1))}^</pre></Wide>}
		</div>
	)
}

function Values({ series, hidden, toggle }: { series: readonly Series[], hidden: ReadonlySet<number>, toggle: (i: number) => void }) {
	return (
		<Wide of="Series">
			<table class="table values">
				<thead><tr><th>Series</th><th class="right">Last</th><th class="right">Least</th><th class="right">Most</th></tr></thead>
				<tbody>
					{series.map((one, i) => {
						const known = one.points.map(([, value]) => value).filter((value) => !Number.isNaN(value))
						return (
							<tr key={one.name}>
								<td>
									<label class="legend"><input type="checkbox" checked={!hidden.has(i)} onChange={() => toggle(i)} /><i class={`swatch hue-${i % HUES}`} /><code>{one.name}</code></label>
								</td>
								<td class="num right" data-label="Last">{valueText(one.points.at(-1)?.[1])}</td>
								<td class="num right" data-label="Least">{valueText(known.length ? Math.min(...known) : null)}</td>
								<td class="num right" data-label="Most">{valueText(known.length ? Math.max(...known) : null)}</td>
							</tr>
						)
					})}
				</tbody>
			</table>
		</Wide>
	)
}

function Drawn({ answer, span }: { answer: PrometheusQuery, span: Span }) {
	const all = useMemo(() => seriesOf(answer), [answer])
	const series = useMemo(() => all.slice(0, SERIES_SHOWN_MAX), [all])
	const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set())
	useEffect(() => setHidden(new Set()), [answer])
	const toggle = (i: number) => {
		const next = new Set(hidden)
		if (!next.delete(i)) next.add(i)
		setHidden(next)
	}
	const notes = [...answer.warnings ?? [], ...answer.infos ?? []]
	return (
		<>
			{notes.map((note) => <Notice key={note} tone="warn" what={note} />)}
			{all.length > series.length && <Notice tone="info" what={`The first ${series.length} of ${all.length} series are shown`}>topk(10, …) or sum by (…) make fewer of them.</Notice>}
			{series.length === 0
				? <Empty icon="search" title="No series has a value in this span">Look whether the name is right, or choose a longer span.</Empty>
				: <section class="card"><SeriesChart series={series} hidden={hidden} {...span} /><Values series={series} hidden={hidden} toggle={toggle} /></section>}
		</>
	)
}

function Answer({ text, span, refuse }: { text: string, span: Span, refuse: (detail: string | undefined) => void }) {
	const answer = useData('prometheus_query_range', { query: text, start: String(span.start), end: String(span.end), step: String(span.step) }, [])
	const refused = answer.problem && [400, 422].includes(answer.problem.status) ? answer.problem.detail : undefined
	useEffect(() => refuse(refused), [refused])
	if (refused !== undefined) return null
	if (answer.data) return <Drawn answer={answer.data} span={span} />
	if (answer.problem) return <ProblemFace problem={answer.problem} retry={answer.refetch} />
	return <section class="card"><Skeleton lines={6} height={34} /></section>
}

export default function Query() {
	const { query } = place.value
	const asked = query.get('q') ?? ''
	const chosen = SPANS.find(([key]) => key === query.get('span')) ?? SPANS[1]
	const [text, setText] = useState(asked)
	const [again, setAgain] = useState(0)
	const [refusal, setRefusal] = useState<{ of: string, detail: string }>()
	const refused = refusal?.of === asked ? refusal.detail : undefined
	const box = useRef<HTMLTextAreaElement>(null)
	const span = useMemo(() => spanOf(chosen[2], serverNow()), [asked, chosen[0], again])
	useEffect(() => setText(asked), [asked])
	useKeys([{ keys: '/', about: 'Write an expression', run: () => box.current?.focus() }])
	const ask = () => {
		const now = box.current!.value.trim() // what stands there, also when the last key was not drawn yet
		if (now === asked) setAgain(again + 1)
		else setQuery({ q: now }, false)
	}
	return (
		<Page title="Query" sub="What time series say, by PromQL.">
			<div class="stack wide">
			<form class="card query" onSubmit={(event) => { event.preventDefault(); ask() }}>
				<label for="query-text">Expression</label>
				<textarea id="query-text" ref={box} class="input mono" rows={Math.min(8, text.split('\n').length + 1)} value={text} spellcheck={false} autocomplete="off"
					aria-invalid={refused ? 'true' : undefined} aria-describedby={refused ? 'query-bad' : 'query-about'}
					onInput={(event) => setText(event.currentTarget.value)}
					onKeyDown={(event) => { if (event.key === 'Enter' && !event.shiftKey) { event.preventDefault(); ask() } }} />
				{refused ? <Refused text={asked} detail={refused} /> : <p class="about small soft" id="query-about">Enter asks, Shift+Enter begins a line. As <code>rate(http_requests_total[5m])</code>.</p>}
				<div class="actions">
					<Segments name="span" value={chosen[0]} options={SPANS.map(([key, name]) => [key, name] as const)} label="Span" />
					<Button kind="primary" icon="play" type="submit">Ask</Button>
				</div>
			</form>
			{asked
				? <Answer key={`${asked} ${span.start} ${span.end}`} text={asked} span={span} refuse={(detail) => setRefusal(detail === undefined ? undefined : { of: asked, detail })} />
				: <Empty icon="chart" title="Nothing is asked yet">Series come from checks, from what is scraped, and by remote write, <code>POST /api/v1/write</code>. Begin with <a href={askedAt('probe_success')}><code>probe_success</code></a>, of checks, or <a href={askedAt('up')}><code>up</code></a>, of what is scraped.</Empty>}
			<Targets />
			</div>
		</Page>
	)
}
