// Series over time as lines. uPlot is fetched only when a chart is shown.
import { useEffect, useRef, useState } from 'preact/hooks'
import { axisText, coloursOf, useScheme } from '../../ui/Chart'
import { Skeleton } from '../../ui/Skeleton'
import { columnsOf, valueText, type Series } from './answer'

export const HUES = 8
const tokens = Object.fromEntries([...Array.from({ length: HUES }, (_, i) => [`s${i}`, `--series-${i}`]), ['grid', '--line'], ['text', '--ink-3']])

interface Props { series: readonly Series[], hidden: ReadonlySet<number>, start: number, end: number, step: number, height?: number }

export function SeriesChart({ series, hidden, start, end, step, height = 320 }: Props) {
	const ref = useRef<HTMLDivElement>(null)
	const [ready, setReady] = useState(false)
	const scheme = useScheme()
	useEffect(() => {
		let gone = false
		let plot: { destroy(): void, setSize(size: { width: number, height: number }): void } | undefined
		let observer: ResizeObserver | undefined
		void import('uplot').then(({ default: Plot }) => {
			const box = ref.current
			if (gone || !box) return
			setReady(true)
			const c = coloursOf(tokens)
			const lone = (i: number) => series[i]!.points.length <= 12
			const axis = { stroke: c.text!, grid: { stroke: c.grid!, width: 1 }, ticks: { stroke: c.grid!, width: 1 }, font: '12px "Atkinson Next", system-ui' }
			plot = new Plot({
				width: box.clientWidth, height, legend: { show: false }, cursor: { points: { size: 7 } },
				scales: { x: { time: true, min: start, max: end } },
				axes: [
					{ ...axis, values: (_: unknown, splits: number[], __: number, ___: number, every: number) => splits.map((t, i) => axisText(t, splits[i - 1], every)) },
					{ ...axis, size: 64, values: (_, ticks) => ticks.map(valueText) },
				],
				series: [{}, ...series.map((one, i) => ({
					label: one.name, stroke: c[`s${i % HUES}`]!, width: 1.5, show: !hidden.has(i), spanGaps: false,
					points: { show: lone(i), size: 6, fill: c[`s${i % HUES}`]!, stroke: c[`s${i % HUES}`]! },
				}))],
			}, columnsOf(series, start, end, step), box)
			observer = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height }))
			observer.observe(box)
		})
		return () => { gone = true; observer?.disconnect(); plot?.destroy() }
	}, [series, hidden, start, end, step, height, scheme])
	return (
		<figure class="chart" role="img" aria-label={`${series.length} series over time; the table below has their values`}>
			{!ready && <Skeleton lines={5} height={30} />}
			<div ref={ref} />
		</figure>
	)
}
