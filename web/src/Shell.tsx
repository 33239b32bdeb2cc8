// The frame of every page: the pages to go to, who is signed in, whether the line is up, what is paged right now.
import type { ComponentChildren } from 'preact'
import { useEffect, useState } from 'preact/hooks'
import { online, session } from './api/client'
import { nowRooms, useData } from './api/data'
import type { IncidentRow, Page as PageData } from './api/contract'
import { dismissPage, shownPages } from './api/pager'
import { live } from './api/stream'
import { useKeys } from './lib/keys'
import { go, place } from './lib/route'
import { undoLast } from './lib/toast'
import { Button } from './ui/Button'
import { Dialog } from './ui/Dialog'
import { Face } from './ui/Person'
import { Help } from './ui/Help'
import { Icon, type IconName } from './ui/Icon'
import { Toasts } from './ui/Toasts'
import { Wordmark } from './ui/Wordmark'

const pages: readonly [path: string, name: string, icon: IconName, key: string][] = [
	['/', 'Now', 'now', 'n'],
	['/incidents', 'Incidents', 'incidents', 'i'],
	['/reports', 'Reports', 'note', 'r'],
	['/checks', 'Checks', 'checks', 'c'],
	['/services', 'Services', 'services', 's'],
	['/on-call', 'On-call', 'oncall', 'o'],
	['/status-pages', 'Status pages', 'globe', 'g'],
	['/reviews', 'Reviews', 'reviews', 'r'],
	['/query', 'Query', 'chart', 'q'],
	['/journal', 'Journal', 'journal', 'j'],
	['/settings', 'Settings', 'settings', 't'],
]

function isHere(path: string): boolean {
	const here = place.value.path
	return path === '/' ? here === '/' : here === path || here.startsWith(`${path}/`)
}

interface Tally { waiting: number, taken: number, down: number, reports: number }

/** What the rail counts; the same request as the page Now, so it is asked once. */
function useTally(): Tally {
	const now = useData('now_get', {}, nowRooms).data
	const open = now?.incidents ?? []
	return {
		waiting: open.filter((i) => i.state === 'open').length,
		taken: open.filter((i) => i.state === 'acknowledged').length,
		down: now?.checks.down ?? 0,
		reports: useData('report_inbox', {}, ['report', 'incident']).data?.new ?? 0,
	}
}

function Count({ path, tally }: { path: string, tally: Tally }) {
	if (path === '/incidents' && tally.waiting) return <span class="count bad">{tally.waiting}<span class="hidden-text"> waiting</span></span>
	if (path === '/incidents' && tally.taken) return <span class="count taken">{tally.taken}<span class="hidden-text"> acknowledged</span></span>
	if (path === '/reports' && tally.reports) return <span class="count">{tally.reports}<span class="hidden-text"> new</span></span>
	if (path === '/checks' && tally.down) return <span class="count">{tally.down}<span class="hidden-text"> down</span></span>
	return null
}

function Side({ tally }: { tally: Tally }) {
	const { user, server } = session.value!
	return (
		<div class="side">
			<div><Wordmark />{server.name && <div class="installation clip">{server.name}</div>}</div>
			<nav aria-label="Pages">
				<ul>
					{pages.map(([path, name, icon]) => (
						<li key={path}><a href={path} aria-current={isHere(path) ? 'page' : undefined}><Icon name={icon} />{name}<Count path={path} tally={tally} /></a></li>
					))}
				</ul>
			</nav>
			<div class="foot">
				<div class={`live${live.value ? '' : ' off'}`}><i />{live.value ? 'Live' : 'Not live: connecting'}</div>
				<a class="me" href="/settings/profile"><Face user={user} /><span class="grow"><span class="clip">{user.name}</span></span></a>
			</div>
		</div>
	)
}

function BottomTabs({ tally }: { tally: Tally }) {
	const [more, setMore] = useState(false)
	const first = pages.filter(([path]) => ['/', '/incidents', '/checks', '/on-call'].includes(path))
	const rest = pages.filter((page) => !first.includes(page))
	useEffect(() => setMore(false), [place.value.path])
	return (
		<nav class="tabs-bottom" aria-label="Pages">
			{first.map(([path, name, icon]) => <a key={path} href={path} aria-current={isHere(path) ? 'page' : undefined}><Icon name={icon} size={22} />{name}<Count path={path} tally={tally} /></a>)}
			<button type="button" aria-haspopup="dialog" onClick={() => setMore(true)} aria-current={rest.some(([path]) => isHere(path)) ? 'page' : undefined}><Icon name="more" size={22} />More</button>
			{more && (
				<Dialog title="More" onClose={() => setMore(false)}>
					<ul class="stack">
						{rest.map(([path, name, icon]) => <li key={path}><a class="button large" href={path}><Icon name={icon} />{name}</a></li>)}
					</ul>
				</Dialog>
			)}
		</nav>
	)
}

/** The newest page for me that still wants something: one whose incident somebody has taken does not. */
function pageToShow(open: readonly IncidentRow[] | undefined): PageData | undefined {
	return shownPages.value.find((page) => page.incident === null || !open || open.some((i) => i.id === page.incident && i.state === 'open'))
}

function Banners() {
	const page = pageToShow(useData('now_get', {}, nowRooms).data?.incidents)
	return (
		<>
			{!online.value && (
				<div class="banner offline" role="status"><Icon name="clock" />The server does not answer. What you see may be old; it is tried again by itself.</div>
			)}
			{session.value!.needs_password && (
				<div class="banner hint"><Icon name="lock" /><span class="grow">You have no password yet: without one you need a new link to come back.</span><a class="button small" href="/set-password">Choose one</a></div>
			)}
			{page && (
				<div class="banner paged" role="alert">
					<Icon name="oncall" /><span class="grow">You are paged: {page.text.split('\n')[0]}</span>
					{page.incident !== null && <a href={`/incidents/${page.incident}`} onClick={() => dismissPage(page.id)}>Open the incident</a>}
					<Button size="small" onClick={() => dismissPage(page.id)}>Dismiss</Button>
				</div>
			)}
		</>
	)
}

/** The tab's icon turns red while somebody is waited for. */
function useTabIcon(waiting: number): void {
	useEffect(() => {
		document.querySelector('link[rel=icon]')?.setAttribute('href', waiting ? '/favicon-alert.svg' : '/favicon.svg')
	}, [waiting > 0])
}

export function Shell({ children }: { children: ComponentChildren }) {
	const [help, setHelp] = useState(false)
	const tally = useTally()
	useTabIcon(tally.waiting)
	useKeys([
		...pages.map(([path, name, , key]) => ({ keys: `g ${key}`, about: `Go to ${name}`, run: () => go(path) })),
		{ keys: 'u', about: 'Undo the last act while its time runs', run: undoLast },
		{ keys: '?', about: 'Show the keys', run: () => setHelp(true) },
	])
	return (
		<>
			<a class="skip" href="#main" onClick={(e) => { e.preventDefault(); document.querySelector<HTMLElement>('main h1')?.focus() }}>To the content</a>
			<div class="shell">
				<Side tally={tally} />
				<div class="main">
					<Banners />
					<div class="topbar"><Wordmark /><a href="/settings/profile"><Face user={session.value!.user} /><span class="hidden-text">My profile</span></a></div>
					<main id="main">{children}</main>
				</div>
			</div>
			<BottomTabs tally={tally} />
			{help && <Help onClose={() => setHelp(false)} />}
			<Toasts />
		</>
	)
}
