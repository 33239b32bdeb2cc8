// Which page an address is. Pages other than Now are fetched when they are first opened.
import type { ComponentType } from 'preact'
import { signal, type Signal } from '@preact/signals'
import { online, session } from './api/client'
import { matchPath, place } from './lib/route'
import { Shell } from './Shell'
import { Now } from './pages/now/Now'
import { LinkSignIn } from './pages/session/LinkSignIn'
import { SetPassword } from './pages/session/SetPassword'
import { SignIn } from './pages/session/SignIn'
import { Button } from './ui/Button'
import { Empty } from './ui/Empty'
import { Page } from './ui/Page'
import { Skeleton } from './ui/Skeleton'
import { Toasts } from './ui/Toasts'
import { Wordmark } from './ui/Wordmark'

type PageOf = ComponentType<{ params: Record<string, string> }>
type Loader = () => Promise<{ default: PageOf }>

const routes: readonly [pattern: string, load: Loader][] = [
	['/incidents', () => import('./pages/incidents/Incidents')],
	['/incidents/:id', () => import('./pages/incidents/Incident')],
	['/reports', () => import('./pages/reports/Reports')],
	['/checks', () => import('./pages/checks/Checks')],
	['/checks/:name', () => import('./pages/checks/Check')],
	['/checks/:name/edit', () => import('./pages/checks/CheckEdit')],
	['/services', () => import('./pages/services/Services')],
	['/services/:name', () => import('./pages/services/Service')],
	['/services/:name/edit', () => import('./pages/settings/DefinitionEdit')],
	['/on-call', () => import('./pages/oncall/OnCall')],
	['/status-pages', () => import('./pages/comms/StatusPages')],
	['/reviews', () => import('./pages/reviews/Reviews')],
	['/reviews/:id', () => import('./pages/reviews/Review')],
	['/journal', () => import('./pages/journal/Journal')],
	['/settings', () => import('./pages/settings/Settings')],
	['/set-password', () => import('./pages/settings/Settings')], // who has one already changes it there
	['/settings/:section', () => import('./pages/settings/Settings')],
	['/definitions/:kind/:name/edit', () => import('./pages/settings/DefinitionEdit')],
	['/discovery', () => import('./pages/now/DiscoveryPage')],
]

const loaded = new Map<Loader, Signal<PageOf | 'failed' | undefined>>()

function pageFor(load: Loader): Signal<PageOf | 'failed' | undefined> {
	let page = loaded.get(load)
	if (!page || page.peek() === 'failed') {
		const fresh = signal<PageOf | 'failed' | undefined>(undefined)
		loaded.set(load, page = fresh)
		load().then((module) => { fresh.value = module.default }, () => { fresh.value = 'failed' })
	}
	return page
}

function NotFound() {
	return (
		<Page title="There is no such page">
			<Empty icon="search" title="Nothing is at this address" action={<a class="button primary" href="/">To the page Now</a>}>
				The address <code>{place.value.path}</code> leads nowhere. A link may be old, or a letter is missing.
			</Empty>
		</Page>
	)
}

/** A new version was installed while this tab was open: its parts are gone, loading anew gets the new ones. */
function PartMissing() {
	return (
		<Page title="This page could not be fetched">
			<Empty title="The server may have been renewed" action={<Button kind="primary" onClick={() => location.reload()}>Load anew</Button>}>
				A part of the UI was not answered. Loading anew fetches the version that runs now.
			</Empty>
		</Page>
	)
}

function Routed() {
	const { path } = place.value
	if (path === '/') return <Now />
	for (const [pattern, load] of routes) {
		const params = matchPath(pattern, path)
		if (!params) continue
		const Found = pageFor(load).value
		if (Found === 'failed') return <PartMissing />
		if (!Found) return <div class="page"><Skeleton lines={8} /></div>
		return <Found key={path} params={params} />
	}
	return <NotFound />
}

function Starting() {
	return (
		<div class="door">
			<Wordmark />
			{online.value ? <Skeleton lines={3} /> : <Empty title="The server does not answer" icon="clock">It is tried again by itself, first every second, then every half minute.</Empty>}
		</div>
	)
}

export function App() {
	const inside = session.value
	const { path } = place.value
	if (path === '/link') return <><LinkSignIn /><Toasts /></>
	if (inside === undefined) return <Starting />
	if (inside === null) return <><SignIn /><Toasts /></>
	if (inside.needs_password && path === '/set-password') return <><SetPassword /><Toasts /></>
	return <Shell><Routed /></Shell>
}
