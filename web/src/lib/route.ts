// Addresses. One signal holds where the reader is; links are plain anchors, so the middle button works.
import { signal } from '@preact/signals'

export interface Place { path: string, query: URLSearchParams, hash: string }

function here(): Place {
	return { path: location.pathname, query: new URLSearchParams(location.search), hash: location.hash.slice(1) }
}

export const place = signal<Place>(typeof location === 'undefined' ? { path: '/', query: new URLSearchParams(), hash: '' } : here())

/** Matches "/incidents/:id" against a path; undefined when it does not fit. */
export function matchPath(pattern: string, path: string): Record<string, string> | undefined {
	if (pattern === '/' || path === '/') return pattern === path ? {} : undefined
	const want = pattern.split('/')
	const have = path.replace(/\/+$/, '').split('/')
	if (want.length !== have.length) return undefined
	const params: Record<string, string> = {}
	for (let i = 0; i < want.length; i++) {
		const part = want[i]!
		if (part.startsWith(':')) {
			if (!have[i]) return undefined
			try { params[part.slice(1)] = decodeURIComponent(have[i]!) } catch { return undefined }
		} else if (part !== have[i]) return undefined
	}
	return params
}

let guard: (() => boolean) | undefined

/** A form with unsaved changes asks before it is left; gives the function that lifts it. */
export function guardLeaving(mayLeave: () => boolean): () => void {
	guard = mayLeave
	return () => { if (guard === mayLeave) guard = undefined }
}

export function go(url: string, replace = false): void {
	if (guard && !guard()) return
	guard = undefined
	const before = location.pathname
	history[replace ? 'replaceState' : 'pushState'](null, '', url)
	place.value = here()
	if (location.pathname !== before) {
		scrollTo(0, 0)
		// A screen reader hears where it is, and Tab begins at the page, not at the link that is gone.
		requestAnimationFrame(() => document.querySelector<HTMLElement>('main h1')?.focus({ preventScroll: true }))
	}
}

/** Changes parts of the query, keeps the rest; an empty value removes the key. A way back leads to what was before, unless `replace`. */
export function setQuery(changes: Record<string, string | undefined>, replace = true): void {
	const query = new URLSearchParams(location.search)
	for (const [key, value] of Object.entries(changes)) {
		if (value) query.set(key, value)
		else query.delete(key)
	}
	const text = query.toString()
	go(location.pathname + (text ? `?${text}` : ''), replace)
}

export function listenToLinks(): void {
	addEventListener('popstate', () => { place.value = here() })
	document.addEventListener('click', (event) => {
		if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
		const link = (event.target as Element).closest?.('a')
		if (!link || link.origin !== location.origin || link.target || link.hasAttribute('download')) return
		if (link.pathname.startsWith('/api/') || /^\/(l|r|s)\//.test(link.pathname) || link.pathname === '/report' || link.pathname === '/subscribe') return
		if (link.pathname === location.pathname && link.search === location.search && link.hash) return
		event.preventDefault()
		go(link.pathname + link.search + link.hash)
	})
}
