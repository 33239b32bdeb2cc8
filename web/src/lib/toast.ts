// Short messages at the edge of the screen. One with an undo stays until its time is over.
import { signal } from '@preact/signals'
import type { Problem } from '../api/contract'
import { serverNow } from './clock'

export interface Toast {
	id: number
	text: string
	hint?: string | undefined
	tone: 'plain' | 'bad'
	from: number
	until: number
	undo?: () => unknown
}

const TOASTS_MAX = 4
const PLAIN_MS = 5000
const BAD_MS = 12_000
let lastId = 0

export const toasts = signal<Toast[]>([])

function add(toast: Omit<Toast, 'id' | 'from'>): void {
	const id = ++lastId
	toasts.value = [...toasts.value, { ...toast, id, from: serverNow() }].slice(-TOASTS_MAX)
	setTimeout(() => dismiss(id), Math.max(0, toast.until - serverNow()))
}

export function dismiss(id: number): void {
	toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

export function say(text: string): void {
	add({ text, tone: 'plain', until: serverNow() + PLAIN_MS })
}

export function complain(problem: Problem): void {
	add({ text: problem.detail, hint: problem.hint, tone: 'bad', until: serverNow() + BAD_MS })
}

export function offerUndo(text: string, until: number, undo: () => unknown): void {
	add({ text, tone: 'plain', until, undo })
}

/** The key `u`: undoes what can still be undone, the last first. */
export function undoLast(): void {
	const toast = toasts.value.findLast((t) => t.undo)
	if (!toast) return
	dismiss(toast.id)
	void toast.undo?.()
}
