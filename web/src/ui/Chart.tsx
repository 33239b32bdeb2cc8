// Latency over time, and what every chart has: colours, axes.
import { useEffect, useState } from 'preact/hooks'
import type { CheckSeries } from '../api/contract'
import { serverNow } from '../lib/clock'
import { dayText, wallClock } from '../lib/time'
import { latencyText } from '../lib/words'
import { Plot } from './Plot'

/** Tokens as a canvas wants them. */
export function coloursOf(names: Record<string, string>): Record<string, string> {
	const probe = document.createElement('i')
	document.body.append(probe)
	const out = Object.fromEntries(Object.entries(names).map(([key, name]) => {
		probe.style.color = `var(${name})`
		return [key, getComputedStyle(probe).color]
	}))
	probe.remove()
	return out
}

const colours = () => coloursOf({ line: '--accent', band: '--band', grid: '--line', text: '--ink-3', down: '--down-fill' })

/** Another number each time the scheme changes: what is drawn on a canvas must be drawn anew. */
export function useScheme(): number {
	const [scheme, setScheme] = useState(0)
	useEffect(() => {
		const media = matchMedia('(prefers-color-scheme: dark)')
		const again = () => setScheme((n) => n + 1)
		const observer = new MutationObserver(again)
		observer.observe(document.documentElement, { attributeFilter: ['data-theme'] })
		media.addEventListener('change', again)
		return () => { observer.disconnect(); media.removeEventListener('change', again) }
	}, [])
	return scheme
}

/** "14:00", and the day where one begins: 24 hours, in the reader's zone. */
export function axisText(seconds: number, before: number | undefined, step: number): string {
	const [at, now] = [seconds * 1000, serverNow()]
	const wall = wallClock(at)
	if (step >= 86_400) return dayText(at, now)
	const newDay = before === undefined || wallClock(before * 1000).day !== wall.day
	return `${wall.hour}:${wall.minute}${newDay ? `\n${dayText(at, now)}` : ''}`
}

type Columns = [number[], (number | null)[], (number | null)[], (number | null)[], (number | null)[]]

/** Rows -> columns: time, slowest, average, fastest, and failures as a mark at the foot. */
export function columnsOf(series: CheckSeries): Columns {
	const columns: Columns = [[], [], [], [], []]
	for (const p of series.points) {
		columns[0].push(Date.parse(p.at) / 1000)
		columns[1].push(p.latency_max)
		columns[2].push(p.latency_avg)
		columns[3].push(p.latency_min)
		columns[4].push(p.ok < p.count ? 0 : null)
	}
	return columns
}

/** The span to draw: all of it, or only where results are when they fill less than half (a check that is new). */
export function extentOf(series: CheckSeries): [from: number, to: number] {
	const [from, to] = [Date.parse(series.from) / 1000, Date.parse(series.to) / 1000]
	const first = series.points.find((p) => p.count > 0)
	if (!first) return [from, to]
	const begun = Date.parse(first.at) / 1000
	const room = Math.max((to - begun) * 0.1, STEP_SECONDS[series.step] * 2)
	return to - begun + room < (to - from) / 2 ? [begun - room, to] : [from, to]
}

const STEP_SECONDS = { minute: 60, hour: 3600, day: 86_400 }

/** How the axes of every chart look. */
export const axisOf = (c: Record<string, string>) => ({ stroke: c.text!, grid: { stroke: c.grid!, width: 1 }, ticks: { stroke: c.grid!, width: 1 }, font: '12px "Atkinson Next", system-ui' })
const hours = (_: unknown, splits: number[], __: number, ___: number, step: number) => splits.map((t, i) => axisText(t, splits[i - 1], step))

/** How far ticks of time may be apart: not less than what their words tell apart, in seconds. */
const TICKS = [...[1, 2, 5, 10, 15, 30].map((n) => n * STEP_SECONDS.minute), ...[1, 2, 3, 4, 6, 8, 12].map((n) => n * STEP_SECONDS.hour), ...[1, 2, 3, 4, 5, 7, 10, 15, 30, 90].map((n) => n * STEP_SECONDS.day)]
export const timeAxisOf = (c: Record<string, string>) => ({ ...axisOf(c), values: hours, incrs: TICKS })

export function LatencyChart({ series, height = 240 }: { series: CheckSeries, height?: number }) {
	const scheme = useScheme()
	const draw = () => {
		const c = colours()
		// Two neighbours make a line; a few results alone are dots.
		const lone = series.points.filter((p) => p.latency_avg !== null).length <= 12
		const axis = axisOf(c)
		const show = (_: unknown, v: number | null) => (v === null ? '–' : latencyText(v))
		return {
			columns: columnsOf(series),
			options: {
				cursor: { points: { size: 7 } },
				scales: { x: { time: true, min: extentOf(series)[0], max: extentOf(series)[1] }, y: { range: (_: unknown, __: number, max: number): [number, number] => [0, Math.max(max * 1.15, 10)] } },
				axes: [timeAxisOf(c), { ...axis, size: 58, values: (_: unknown, ticks: number[]) => ticks.map((t) => latencyText(t).replace('<1', '0')) }],
				bands: [{ series: [1, 3] as [number, number], fill: c.band! }],
				series: [
					{},
					{ label: 'Slowest', stroke: 'transparent', points: { show: false }, value: show },
					{ label: 'Average', stroke: c.line!, width: 1.5, points: { show: lone, size: 6, fill: c.line!, stroke: c.line! }, value: show },
					{ label: 'Fastest', stroke: 'transparent', points: { show: false }, value: show },
					{ label: 'Failures', stroke: 'transparent', points: { show: true, size: 8, fill: c.down!, stroke: c.down! }, value: (_: unknown, v: number | null) => (v === null ? 'none' : 'yes') },
				],
			},
		}
	}
	const slowest = series.points.filter((p) => p.latency_avg !== null).reduce((max, p) => Math.max(max, p.latency_max ?? 0), 0)
	const about = `Latency from ${series.from} to ${series.to}: at most ${latencyText(slowest)}, ${series.points.filter((p) => p.ok < p.count).length} ${series.step}s with failures`
	return <Plot about={about} height={height} draw={draw} of={[series, scheme]} />
}
