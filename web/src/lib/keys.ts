// Keys. A page adds its own while it is shown; a two-key sequence ("g n") must come within a second. Keys never
// act while somebody writes or a dialog is open.
import { useEffect } from 'preact/hooks'
import { signal } from '@preact/signals'

export interface Shortcut { keys: string, about: string, run: () => unknown }

const SEQUENCE_MS = 1000
const groups = signal<Shortcut[][]>([])

export function shortcuts(): Shortcut[] { return groups.value.flat() }

export function useKeys(list: Shortcut[], deps: readonly unknown[] = []): void {
	useEffect(() => {
		groups.value = [...groups.peek(), list]
		return () => { groups.value = groups.peek().filter((group) => group !== list) }
	}, deps as unknown[])
}

function writes(target: EventTarget | null): boolean {
	const element = target as HTMLElement | null
	return !!element?.closest?.('input, textarea, select, [contenteditable]')
}

export function listenToKeys(): void {
	let first = ''
	let at = 0
	addEventListener('keydown', (event) => {
		if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || writes(event.target)) return
		if (document.querySelector('dialog[open]')) return
		const sequence = first && event.timeStamp - at < SEQUENCE_MS ? `${first} ${event.key}` : event.key
		const all = shortcuts()
		const hit = all.findLast((s) => s.keys === sequence) ?? all.findLast((s) => s.keys === event.key)
		first = all.some((s) => s.keys.startsWith(`${event.key} `)) ? event.key : ''
		at = event.timeStamp
		if (!hit) return
		first = ''
		event.preventDefault()
		void hit.run()
	})
}
