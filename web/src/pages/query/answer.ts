// What a query over a span gives, as columns for a chart and as words. Pure.
import type { PrometheusQuery } from '../../api/contract'

export const SPANS = [['15m', '15 min', 900], ['1h', '1 hour', 3600], ['6h', '6 hours', 21_600], ['1d', '1 day', 86_400], ['7d', '7 days', 604_800]] as const
export const SERIES_SHOWN_MAX = 40
const POINTS_WANTED = 240
const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600]

export interface Series { name: string, points: [at: number, value: number][] }

export interface Span { start: number, end: number, step: number }

export function stepOf(seconds: number): number {
	return STEPS.find((step) => seconds / step <= POINTS_WANTED) ?? Math.ceil(seconds / POINTS_WANTED)
}

/** It ends now, not at a multiple of its step: what is only minutes old is what one looks for. `now` in ms. */
export function spanOf(seconds: number, now: number): Span {
	const step = stepOf(seconds)
	const end = Math.ceil(now / 1000)
	return { start: end - Math.floor(seconds / step) * step, end, step }
}

/** up{job="a"}, as people write it. */
export function seriesName(metric: Record<string, string>): string {
	const labels = Object.entries(metric).filter(([name]) => name !== '__name__').map(([name, value]) => `${name}=${JSON.stringify(value)}`)
	const name = metric.__name__ ?? ''
	return labels.length ? `${name}{${labels.join(', ')}}` : name || '{}'
}

function numberOf(text: string): number {
	return text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text)
}

export function seriesOf(answer: PrometheusQuery): Series[] {
	const result = answer.data.result as { metric: Record<string, string>, values?: [number, string][] }[]
	if (answer.data.resultType !== 'matrix') return []
	return result.map((row) => ({ name: seriesName(row.metric), points: (row.values ?? []).map(([at, value]) => [at, numberOf(value)]) }))
}

/** Columns on the grid of the query: time, then each series; null where it has no point, or none that can be drawn. */
export function columnsOf(series: readonly Series[], start: number, end: number, step: number): [number[], ...(number | null)[][]] {
	const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, i) => start + i * step)
	const columns = series.map((one) => {
		const values = new Array<number | null>(times.length).fill(null)
		for (const [at, value] of one.points) {
			const i = Math.round((at - start) / step)
			if (i >= 0 && i < values.length && Number.isFinite(value)) values[i] = value
		}
		return values
	})
	return [times, ...columns]
}

const plain = new Intl.NumberFormat('en', { maximumSignificantDigits: 5 })
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 4 })

export function valueText(value: number | null | undefined): string {
	if (value === null || value === undefined) return '–'
	if (!Number.isFinite(value)) return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf'
	const size = Math.abs(value)
	if (size !== 0 && size < 1e-4) return value.toExponential(2)
	return size >= 1e5 ? compact.format(value) : plain.format(value)
}

export interface Refusal { text: string, line?: number, column?: number }

/** 'invalid parameter "query": 1:5: parse error: ...' -> the sentence, and where. */
/** The page Query with this expression asked. */
export function askedAt(expression: string): string {
	return `/query?q=${encodeURIComponent(expression)}`
}

export function refusalOf(detail: string): Refusal {
	const text = detail.replace(/^invalid parameter "query": /, '')
	const place = /^(\d+):(\d+): (?:parse error: )?(.*)$/s.exec(text)
	return place ? { text: place[3]!, line: Number(place[1]), column: Number(place[2]) } : { text }
}
