// Times in the reader's zone: the clock, the distance beside it, all of it with the offset under the pointer.
import { everySecond, everyTenSeconds, serverNow } from '../lib/clock'
import { clockText, countdownText, fullText, relativeText } from '../lib/time'

/** "03:12 · 4 min ago" */
export function Time({ at, only }: { at: string, only?: 'clock' | 'relative' }) {
	// The tick may be ten seconds old: what happened since is past all the same.
	const [time, now] = [Date.parse(at), Math.max(everyTenSeconds.value, serverNow())]
	const clock = clockText(time, now)
	const relative = relativeText(time, now)
	return (
		<time dateTime={at} title={`${fullText(time)}, ${relative}`} class="nowrap">
			{only === 'relative' ? relative : only === 'clock' ? clock : <>{clock} <span class="quiet">· {relative}</span></>}
		</time>
	)
}

/** "4:05", every second; `after` once it is over. */
export function Countdown({ until, after = 'now' }: { until: string, after?: string }) {
	// The tick may be a second old; reading it is what makes the figure run.
	const left = Date.parse(until) - Math.max(everySecond.value, serverNow())
	return <time dateTime={until} title={fullText(Date.parse(until))} class="num" role="timer" aria-live="off">{left > 0 ? countdownText(left) : after}</time>
}
