// Times as people read them. The server speaks UTC; here they become the reader's zone, with the offset at
// hand and the distance from now beside. Everything takes `now` as a parameter, so it can be tested.

export const SECOND = 1000
export const MINUTE = 60 * SECOND
export const HOUR = 60 * MINUTE
export const DAY = 24 * HOUR
export const WEEK = 7 * DAY

const unitMs: Record<string, number> = { us: 0.001, ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: WEEK }

/** "1h30m" -> milliseconds; undefined when it is not a duration. */
export function parseDuration(text: string): number | undefined {
	if (!/^(\d+(us|ms|s|m|h|d|w))+$/.test(text)) return undefined
	let total = 0
	for (const [, count, unit] of text.matchAll(/(\d+)(us|ms|s|m|h|d|w)/g)) total += Number(count) * unitMs[unit!]!
	return total
}

/** Milliseconds -> the two largest parts that matter: "3 d 4 h", "12 min", "40 s". */
export function durationText(ms: number): string {
	const parts: [string, number][] = [['d', DAY], ['h', HOUR], ['min', MINUTE], ['s', SECOND]]
	let rest = Math.max(0, Math.round(ms / SECOND)) * SECOND
	const out: string[] = []
	for (const [name, size] of parts) {
		const count = Math.floor(rest / size)
		if (count > 0) out.push(`${count} ${name}`)
		else if (out.length) break
		rest -= count * size
		if (out.length === 2) break
	}
	return out.length ? out.join(' ') : '0 s'
}

/** The same in one part, for narrow places: "3 d", "12 min". */
export function durationShort(ms: number): string {
	const text = durationText(ms).split(' ')
	return `${text[0]} ${text[1]}`
}

export function relativeText(at: number, now: number): string {
	const distance = now - at
	if (Math.abs(distance) < 5 * SECOND) return 'now'
	const text = Math.abs(distance) < HOUR ? durationShort(Math.abs(distance)) : durationText(Math.abs(distance))
	return distance >= 0 ? `${text} ago` : `in ${text}`
}

/** Time left as a clock: "4:05", "1:02:09", never below "0:00". */
export function countdownText(ms: number): string {
	const seconds = Math.max(0, Math.ceil(ms / SECOND))
	const two = (n: number) => String(n).padStart(2, '0')
	const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
	return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`
}

/** "+01:00" for a zone at an instant, the reader's zone when none is given. */
export function offsetText(at: number, zone?: string): string {
	const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' })
	const name = format.formatToParts(at).find((p) => p.type === 'timeZoneName')?.value ?? 'GMT'
	const offset = name.replace('GMT', '')
	return offset === '' ? '+00:00' : offset.length > 3 ? offset : `${offset}:00`
}

interface Wall { year: string, month: string, day: string, hour: string, minute: string, second: string, weekday: string }

export function wallClock(at: number, zone?: string): Wall {
	const format = new Intl.DateTimeFormat('en-GB', {
		timeZone: zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
		weekday: 'short', hourCycle: 'h23',
	})
	const wall = {} as Record<string, string>
	for (const part of format.formatToParts(at)) wall[part.type] = part.value
	return wall as unknown as Wall
}

/** "2026-11-23 03:12:44 +01:00": what the pointer shows over a time. */
export function fullText(at: number, zone?: string): string {
	const w = wallClock(at, zone)
	return `${w.year}-${w.month}-${w.day} ${w.hour}:${w.minute}:${w.second} ${offsetText(at, zone)}`
}

/** "03:12" today, "Mon 03:12" within six days, "23 Nov 03:12" this year, else with the year. */
export function clockText(at: number, now: number, zone?: string): string {
	const w = wallClock(at, zone)
	const n = wallClock(now, zone)
	const clock = `${w.hour}:${w.minute}`
	if (w.year === n.year && w.month === n.month && w.day === n.day) return clock
	if (Math.abs(at - now) < 6 * DAY) return `${w.weekday} ${clock}`
	return `${dayText(at, now, zone)} ${clock}`
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export function dayText(at: number, now: number, zone?: string): string {
	const w = wallClock(at, zone)
	const day = `${Number(w.day)} ${months[Number(w.month) - 1]}`
	return w.year === wallClock(now, zone).year ? day : `${day} ${w.year}`
}

/** The first instant of the day that `at` lies in, in the reader's zone. */
export function startOfDay(at: number): number {
	const day = new Date(at)
	day.setHours(0, 0, 0, 0)
	return day.getTime()
}

/** The first instant of the day `days` after; counts calendar days, so a day of 23 or 25 hours is one day. */
export function addDays(at: number, days: number): number {
	const day = new Date(at)
	day.setDate(day.getDate() + days)
	return day.getTime()
}

/** The server's form: RFC 3339, UTC, whole seconds. */
export function toServer(at: number): string {
	return new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
}

/** For `<input type=datetime-local>`: the reader's wall clock. */
export function toInput(at: number): string {
	const w = wallClock(at)
	return `${w.year}-${w.month}-${w.day}T${w.hour}:${w.minute}`
}
