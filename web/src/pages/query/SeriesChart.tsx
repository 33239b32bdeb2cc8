// Series over time as lines.
import { axisOf, coloursOf, timeAxisOf, useScheme } from '../../ui/Chart'
import { Plot } from '../../ui/Plot'
import { columnsOf, valueText, type Series } from './answer'

export const HUES = 8
const tokens = Object.fromEntries([...Array.from({ length: HUES }, (_, i) => [`s${i}`, `--series-${i}`]), ['grid', '--line'], ['text', '--ink-3']])

interface Props { series: readonly Series[], hidden: ReadonlySet<number>, start: number, end: number, step: number, height?: number }

export function SeriesChart({ series, hidden, start, end, step, height = 320 }: Props) {
	const scheme = useScheme()
	const draw = () => {
		const c = coloursOf(tokens)
		const axis = axisOf(c)
		return {
			columns: columnsOf(series, start, end, step),
			options: {
				legend: { show: false }, cursor: { points: { size: 7 } },
				scales: { x: { time: true, min: start, max: end } },
				axes: [timeAxisOf(c), { ...axis, size: 64, values: (_: unknown, ticks: number[]) => ticks.map(valueText) }],
				series: [{}, ...series.map((one, i) => ({
					label: one.name, stroke: c[`s${i % HUES}`]!, width: 1.5, show: !hidden.has(i), spanGaps: false,
					points: { show: one.points.length <= 12, size: 6, fill: c[`s${i % HUES}`]!, stroke: c[`s${i % HUES}`]! },
				}))],
			},
		}
	}
	return <Plot about={`${series.length} series over time; the table below has their values`} height={height} draw={draw} of={[series, hidden, start, end, step, scheme]} />
}
