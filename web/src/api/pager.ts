// The browser as a channel: when a page for me is queued, the leading tab fetches it, shows a notification, one
// unlocked tab sounds, and the server is told that it was shown. A page is shown once per browser.
import { signal } from '@preact/signals'
import { serverNow } from '../lib/clock'
import { canSound, playTone } from '../lib/tone'
import { go } from '../lib/route'
import { call, session } from './client'
import type { EventNotice, Page } from './contract'
import { isLeader } from './stream'

/** Pages to be seen inside the page too, newest first; the reader dismisses them. */
export const shownPages = signal<Page[]>([])
/** 'unsupported' where the browser has no notifications or the address is not secure. */
export const permission = signal<NotificationPermission | 'unsupported'>(
	typeof Notification === 'undefined' || !globalThis.isSecureContext ? 'unsupported' : Notification.permission)

const SHOWN_MAX = 200
/** Older than this nobody is woken by it: the escalation has gone on to others since. */
const AGE_MAX_MS = 15 * 60_000
const shown = new Set<number>()
let channel: BroadcastChannel | undefined

export async function askPermission(): Promise<void> {
	if (permission.value === 'unsupported') return
	permission.value = await Notification.requestPermission()
}

/** Every tab hears; the first unlocked one that gets the lock plays, and holds it while the tone lasts. */
async function soundOnce(id: number): Promise<void> {
	if (!canSound()) return
	if (!navigator.locks) { playTone(); return }
	await navigator.locks.request(`mainstay-sound-${id}`, { ifAvailable: true }, async (lock) => {
		if (!lock) return
		playTone()
		await new Promise((done) => setTimeout(done, 5000))
	})
}

function present(page: Page): void {
	if (shown.has(page.id)) return
	shown.add(page.id)
	if (shown.size > SHOWN_MAX) shown.delete(shown.values().next().value!)
	shownPages.value = [page, ...shownPages.value].slice(0, 5)
	void soundOnce(page.id)
}

function notify(page: Page): string | undefined {
	if (permission.value !== 'granted') return 'the browser may not show notifications'
	const [first, ...rest] = page.text.split('\n')
	const notification = new Notification(first || 'Mainstay pages you', {
		body: rest.join('\n'), tag: `mainstay-page-${page.id}`, requireInteraction: true, icon: '/favicon.svg',
	})
	notification.onclick = () => {
		window.focus()
		if (page.incident !== null) go(`/incidents/${page.incident}`)
		notification.close()
	}
	return undefined
}

async function fetchMine(): Promise<void> {
	const me = session.value?.user.id
	if (me === undefined || !isLeader()) return
	try {
		// "Sent" says that it was told on the stream; only a browser's word makes it "delivered".
		const list = await call('page_list', { user: me, state: ['queued', 'sending', 'sent'], channel: 'browser' })
		for (const page of list.items) {
			if (shown.has(page.id) || serverNow() - Date.parse(page.created_at) > AGE_MAX_MS) continue
			present(page)
			channel?.postMessage(page)
			const detail = notify(page)
			// Shown inside the open page counts as shown; without permission the server hears that it may not wake.
			await call('browser_page_ack', {}, detail ? { page: page.id, shown: !document.hidden, detail } : { page: page.id, shown: true })
		}
	} catch { /* the next event or the next leader tries again; the server has other channels */ }
}

export function hearPage(notice: EventNotice): void {
	if (notice.kind === 'page.queued' && notice.user === session.value?.user.id) void fetchMine()
}

/** Called by the tab that begins to lead: what was queued while nobody led is shown now. */
export function leadPager(): void { void fetchMine() }

export function startPager(): void {
	if (channel || typeof BroadcastChannel === 'undefined') return
	channel = new BroadcastChannel('mainstay-pages')
	channel.onmessage = ({ data }: MessageEvent<Page>) => present(data)
}

export function dismissPage(id: number): void {
	shownPages.value = shownPages.value.filter((page) => page.id !== id)
}
