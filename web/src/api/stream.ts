// One event stream per browser, however many tabs. The tab that holds the lock reads it and passes every event on
// by BroadcastChannel; when that tab closes, another gets the lock and resumes after the last seq it heard of.
// Where the browser has no locks (plain http on another host), every tab reads for itself.
import { signal } from '@preact/signals'
import { EventParser } from '../lib/sse'
import { online, session } from './client'
import type { EventNotice } from './contract'

type Message = { type: 'event', notice: EventNotice } | { type: 'live', live: boolean } | { type: 'hello' } | { type: 'lost' }

/** True while some tab of this browser has the stream. */
export const live = signal(false)

const RETRY_MIN_MS = 500
const RETRY_MAX_MS = 30_000
/** The server sends a comment every 15 s: silence of three of them is a dead line. */
const SILENCE_MAX_MS = 45_000

let lastSeq = ''
let leader = false
let stop: AbortController | undefined
let channel: BroadcastChannel | undefined
let deliver: (notice: EventNotice) => void = () => {}
let lead: () => void = () => {}

export function isLeader(): boolean { return leader }

function hear(notice: EventNotice): void {
	if (Number(notice.seq) > Number(lastSeq || 0)) lastSeq = String(notice.seq)
	if (notice.kind !== 'hello') deliver(notice)
}

function tellAll(notice: EventNotice): void {
	hear(notice)
	channel?.postMessage({ type: 'event', notice } satisfies Message)
}

function setLive(now: boolean): void {
	live.value = now
	channel?.postMessage({ type: 'live', live: now } satisfies Message)
}

/** Nobody answers: every tab says so, also one that asks for nothing just now. */
function tellLost(): void {
	online.value = false
	channel?.postMessage({ type: 'lost' } satisfies Message)
}

/** Waits, but no longer than until the line is back. */
function waitForLine(ms: number): Promise<void> {
	return new Promise((done) => {
		const was = online.peek()
		let end = () => {}
		const timer = setTimeout(() => end(), ms)
		const unsubscribe = online.subscribe((now) => { if (now && !was) queueMicrotask(() => end()) })
		end = () => { clearTimeout(timer); unsubscribe(); done() }
	})
}

async function readOnce(signal: AbortSignal): Promise<void> {
	const headers: Record<string, string> = { accept: 'text/event-stream' }
	if (lastSeq) headers['last-event-id'] = lastSeq
	const response = await fetch('/api/v1/events', { headers, signal, cache: 'no-store', credentials: 'same-origin' })
		.catch((error: unknown) => { if (!signal.aborted) tellLost(); throw error })
	online.value = true
	if (response.status === 401) { session.value = null; throw new Error('signed out') }
	if (!response.ok || !response.body) throw new Error(`the event stream answered ${response.status}`)
	setLive(true)
	// The stream begins with `hello` and the seq it stands at. Without a place to resume from, something may have been
	// recorded between the pages' reads and that: then it counts as `reset`, and what is shown is fetched once more.
	const blind = !lastSeq
	const parser = new EventParser((event) => {
		try {
			const notice = JSON.parse(event.data) as EventNotice
			tellAll(notice.kind === 'hello' && blind ? { ...notice, kind: 'reset' } : notice)
		} catch { /* a line that is not JSON is nothing we can act on */ }
	})
	const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
	let timer: ReturnType<typeof setTimeout> | undefined
	try {
		for (;;) {
			clearTimeout(timer)
			timer = setTimeout(() => void reader.cancel(new Error('silence')), SILENCE_MAX_MS)
			const { done, value } = await reader.read()
			if (done) return
			parser.push(value)
		}
	} finally { clearTimeout(timer) }
}

async function readForever(signal: AbortSignal): Promise<void> {
	let wait = RETRY_MIN_MS
	while (!signal.aborted) {
		const begun = Date.now()
		try { await readOnce(signal) } catch { /* told below: the stream is down */ }
		if (signal.aborted) return
		setLive(false)
		if (!session.peek()) return
		if (Date.now() - begun > 10_000) wait = RETRY_MIN_MS
		// Half of the wait is chance, so that five hundred browsers do not come back in one moment.
		await waitForLine(wait * (0.5 + Math.random() / 2))
		wait = Math.min(wait * 2, RETRY_MAX_MS)
	}
}

async function takeLead(signal: AbortSignal): Promise<void> {
	if (!navigator.locks) {
		leader = true
		lead()
		return readForever(signal)
	}
	try {
		await navigator.locks.request('mainstay-stream', { signal }, async () => {
			leader = true
			lead()
			await readForever(signal)
		})
	} catch { /* aborted while waiting */ } finally { leader = false }
}

export function startStream(onEvent: (notice: EventNotice) => void, onLead: () => void): void {
	stopStream()
	deliver = onEvent
	lead = onLead
	stop = new AbortController()
	if (typeof BroadcastChannel !== 'undefined' && navigator.locks) {
		channel = new BroadcastChannel('mainstay')
		channel.onmessage = ({ data }: MessageEvent<Message>) => {
			if (data.type === 'event') hear(data.notice)
			else if (data.type === 'live') live.value = data.live
			else if (data.type === 'lost') online.value = false
			else if (leader) setLive(live.peek())
		}
		channel.postMessage({ type: 'hello' } satisfies Message)
	}
	void takeLead(stop.signal)
}

export function stopStream(): void {
	stop?.abort()
	channel?.close()
	stop = channel = undefined
	live.value = false
}
