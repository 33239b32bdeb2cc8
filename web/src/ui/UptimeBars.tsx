// Ninety days as ninety bars. One SVG a check, so that two hundred checks stay light; the day under the pointer is
// told in a tip, and the whole in words to a screen reader.
import { useState } from 'preact/hooks'
import type { Bar } from '../api/contract'
import { serverNow } from '../lib/clock'
import { dayText } from '../lib/time'
import { percentText, plural } from '../lib/words'

const DAYS = 90
const PITCH = 5

function classOf(bar: Bar | undefined): string {
	if (!bar || bar.total === 0) return 'none'
	if (bar.down > 0) return 'down'
	return bar.up < bar.total ? 'degraded' : 'up'
}

function tipOf(bar: Bar): string {
	const day = dayText(Date.parse(bar.start), serverNow())
	if (bar.total === 0) return `${day}: no results`
	return bar.down === 0 ? `${day}: ${percentText(100)} up` : `${day}: ${percentText(100 * (1 - bar.down / bar.total))} up, ${plural(bar.down, 'failure')}`
}

export function UptimeBars({ bars, scale, height = 26 }: { bars: Bar[], scale?: boolean, height?: number }) {
	const [hover, setHover] = useState<number>()
	const offset = DAYS - bars.length
	const bad = bars.filter((bar) => bar.down > 0).length
	const at = hover === undefined ? undefined : bars[hover - offset]
	const move = (event: MouseEvent) => {
		const box = (event.currentTarget as Element).getBoundingClientRect()
		setHover(Math.max(0, Math.min(DAYS - 1, Math.floor(((event.clientX - box.left) / box.width) * DAYS))))
	}
	return (
		<div class="bars-wrap" onMouseMove={move} onMouseLeave={() => setHover(undefined)}>
			<svg class="bars" viewBox={`0 0 ${DAYS * PITCH - 1} 26`} preserveAspectRatio="none" style={{ height: `${height}px` }} role="img"
				aria-label={`Last 90 days: ${bad === 0 ? 'no day with failures' : `failures on ${plural(bad, 'day')}`}`}>
				{Array.from({ length: DAYS }, (_, i) => {
					const kind = classOf(bars[i - offset])
					// A bad day is full height, a day without results is short: the shape tells it too.
					const tall = kind === 'none' ? 8 : kind === 'up' ? 22 : 26
					return <rect key={i} class={kind} x={i * PITCH} y={26 - tall} width={PITCH - 1.5} height={tall} rx="1" />
				})}
			</svg>
			{scale && <div class="bars-scale"><span>90 days ago</span><span>today</span></div>}
			{at && hover !== undefined && <span class="tip" style={{ left: `${((hover + 0.5) / DAYS) * 100}%` }}>{tipOf(at)}</span>}
		</div>
	)
}
