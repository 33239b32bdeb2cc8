// Starts the UI: the session first, then the stream, then whatever page the address names.
import { effect } from '@preact/signals'
import { render } from 'preact'
import { App } from './App'
import { ApiError, call, online, session } from './api/client'
import { forgetAll, refetchWhenSeen, tellEntries, watchLine } from './api/data'
import { hearPage, leadPager, startPager } from './api/pager'
import { startStream, stopStream } from './api/stream'
import { learnServerTime, startClock } from './lib/clock'
import { listenToKeys } from './lib/keys'
import { listenToLinks } from './lib/route'
import { unlockSound } from './lib/tone'

async function findSession(): Promise<void> {
	try {
		const found = await call('session_get', {})
		learnServerTime(found.server.now)
		session.value = found
	} catch (error) {
		if (error instanceof ApiError && error.problem.status === 401) session.value = null
		else online.value = false
	}
}

let person: number | undefined

/** The stream lives as long as somebody is signed in; what was read for one person is not kept for the next. */
function followSession(): void {
	const id = session.value?.user.id
	if (id === person) return
	person = id
	if (id === undefined) {
		stopStream()
		forgetAll()
		return
	}
	startPager()
	startStream((notice) => { tellEntries(notice); hearPage(notice) }, leadPager)
}

startClock()
listenToLinks()
listenToKeys()
unlockSound()
watchLine()
refetchWhenSeen()
effect(followSession)
// The first answer may be lost: the moment the line is back the session is asked for again.
effect(() => { if (online.value && session.peek() === undefined) void findSession() })
render(<App />, document.getElementById('app')!)
