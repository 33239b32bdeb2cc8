// The time now, as signals that tick only while the page is looked at. The difference to the server's clock is
// taken out, so that a countdown ends when the server says it ends.
import { signal } from '@preact/signals'

let skew = 0

/** Now by the server's clock, in milliseconds. */
export function serverNow(): number {
	return Date.now() + skew
}

export function learnServerTime(text: string): void {
	const difference = Date.parse(text) - Date.now()
	// Under two seconds it is the way of the answer, not the clock.
	skew = Math.abs(difference) > 2000 ? difference : 0
}

export const everySecond = signal(serverNow())
export const everyTenSeconds = signal(serverNow())

export function startClock(): void {
	let ticks = 0
	setInterval(() => {
		if (document.hidden) return
		everySecond.value = serverNow()
		if (++ticks % 10 === 0) everyTenSeconds.value = serverNow()
	}, 1000)
	document.addEventListener('visibilitychange', () => {
		everySecond.value = everyTenSeconds.value = serverNow()
	})
}
