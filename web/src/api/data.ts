// What the server has, as the pages read it. One entry per request, shared by all who show it, kept while shown
// and a little longer so that going back is instant. An entry is fetched again when an event of a kind it
// depends on is recorded, and when the line comes back: never by a timer.
import { signal, type Signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { ApiError, callWithEtag, online, pathOf, problemFrom } from './client'
import { operations, type EventNotice, type Operations, type Problem } from './contract'

export interface Reading<T> {
	data: T | undefined
	etag: string | null
	problem: Problem | undefined
	loading: boolean
	/** What is shown may be old: the last try to refresh it failed. */
	stale: boolean
}

interface Entry {
	state: Signal<Reading<unknown>>
	fetch: () => Promise<void>
	listens: (event: EventNotice) => boolean
	users: number
	running: Promise<void> | undefined
	again: boolean
	/** Something was recorded while nobody looked. */
	dirty: boolean
	whileHidden: boolean
	timer: ReturnType<typeof setTimeout> | undefined
}

const ENTRIES_MAX = 60
const SETTLE_MS = 120
const entries = new Map<string, Entry>()

/** What the page Now is made of; the rail shows a part of it on every page. */
export const nowRooms = ['check', 'alert', 'incident', 'escalation', 'mute', 'override', 'definition', 'user', 'contact', 'review'] as const

/** Kinds are matched by room: "incident" hears "incident.opened". "*" hears all. */
export function hears(rooms: readonly string[], kind: string): boolean {
	return kind === 'reset' || rooms.some((room) => room === '*' || kind === room || kind.startsWith(`${room}.`))
}

async function fill<K extends keyof Operations>(entry: Entry, id: K, params: Operations[K]['params']): Promise<void> {
	const state = entry.state as Signal<Reading<Operations[K]['answer']>>
	state.value = { ...state.peek(), loading: true }
	try {
		const answer = await (callWithEtag as Function)(id, params) as { data: Operations[K]['answer'], etag: string | null }
		state.value = { data: answer.data, etag: answer.etag, problem: undefined, loading: false, stale: false }
	} catch (error) {
		const before = state.peek()
		// What is gone or forbidden must not stay on the screen; what could not be reached may, marked stale.
		const keep = error instanceof ApiError && (error.offline || error.problem.status >= 500)
		state.value = { ...before, data: keep ? before.data : undefined, problem: problemFrom(error), loading: false, stale: keep && before.data !== undefined }
	}
}

function entryOf<K extends keyof Operations>(id: K, params: Operations[K]['params'], rooms: readonly string[]): Entry {
	const key = pathOf(id, params)
	const known = entries.get(key)
	if (known) return known
	if (operations[id][0] !== 'GET') throw new Error(`${id} is not a read`)
	const entry: Entry = {
		state: signal<Reading<unknown>>({ data: undefined, etag: null, problem: undefined, loading: true, stale: false }),
		fetch: () => refresh(entry, () => fill(entry, id, params)),
		listens: (event) => hears(rooms, event.kind),
		users: 0, running: undefined, again: false, dirty: false, whileHidden: id === 'now_get', timer: undefined,
	}
	entries.set(key, entry)
	forgetOld()
	return entry
}

/** At most one request of an entry at a time; what comes meanwhile asks for one more afterwards. */
async function refresh(entry: Entry, fillEntry: () => Promise<void>): Promise<void> {
	if (entry.running) { entry.again = true; return entry.running }
	entry.running = (async () => {
		do { entry.again = false; await fillEntry() } while (entry.again)
	})()
	try { await entry.running } finally { entry.running = undefined }
}

function forgetOld(): void {
	for (const [key, entry] of entries) {
		if (entries.size <= ENTRIES_MAX) return
		if (entry.users === 0) entries.delete(key)
	}
}

export interface Live<T> extends Reading<T> { refetch: () => Promise<void>, mutate: (change: (data: T) => T) => void }

/** Reads from the server and follows. `rooms` are the event kinds that change the answer. */
export function useData<K extends keyof Operations>(id: K, params: Operations[K]['params'], rooms: readonly string[]): Live<Operations[K]['answer']> {
	const key = pathOf(id, params)
	const entry = entryOf(id, params, rooms)
	useEffect(() => {
		const mine = entryOf(id, params, rooms)
		mine.users++
		if (!mine.running) void mine.fetch()
		return () => { mine.users-- }
	}, [key])
	const state = entry.state.value as Reading<Operations[K]['answer']>
	return {
		...state,
		refetch: entry.fetch,
		mutate: (change) => {
			if (state.data !== undefined) entry.state.value = { ...entry.state.peek(), data: change(entry.state.peek().data as Operations[K]['answer']) }
		},
	}
}

/** An event was recorded: whoever shows what it touches fetches anew, a burst once. */
export function tellEntries(event: EventNotice): void {
	for (const entry of entries.values()) {
		// What nobody shows is fetched anyway when somebody shows it again.
		if (entry.users === 0 || !entry.listens(event)) continue
		// A tab that nobody looks at waits until somebody does; only what its title and icon tell is kept fresh.
		if (document.hidden && !entry.whileHidden) { entry.dirty = true; continue }
		clearTimeout(entry.timer)
		entry.timer = setTimeout(() => void entry.fetch(), SETTLE_MS)
	}
}

export function refetchWhenSeen(): void {
	document.addEventListener('visibilitychange', () => {
		if (document.hidden) return
		for (const entry of entries.values()) {
			if (entry.dirty && entry.users > 0) void entry.fetch()
			entry.dirty = false
		}
	})
}

export function refetchShown(): void {
	for (const entry of entries.values()) if (entry.users > 0) void entry.fetch()
}

/** On signing out nothing of the person stays in memory. */
export function forgetAll(): void {
	entries.clear()
}

export function watchLine(): void {
	let was = true
	let wait = 1000
	let timer: ReturnType<typeof setTimeout> | undefined
	const probe = async () => {
		try { await fetch('/healthz', { cache: 'no-store' }); online.value = true } catch { wait = Math.min(wait * 2, 30_000); timer = setTimeout(probe, wait) }
	}
	online.subscribe((now) => {
		if (now && !was) { clearTimeout(timer); wait = 1000; refetchShown() }
		if (!now && was) timer = setTimeout(probe, wait)
		was = now
	})
	addEventListener('online', () => { if (!online.peek()) void probe() })
	addEventListener('offline', () => { online.value = false })
}
