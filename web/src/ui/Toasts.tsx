import { useLayoutEffect, useRef } from 'preact/hooks'
import { everySecond } from '../lib/clock'
import { dismiss, toasts, type Toast } from '../lib/toast'

const AROUND = 2 * Math.PI * 8

function Ring({ toast }: { toast: Toast }) {
	const share = Math.max(0, Math.min(1, (toast.until - everySecond.value) / (toast.until - toast.from)))
	return (
		<svg class="ring" width="20" height="20" viewBox="0 0 20 20" aria-hidden="true">
			<circle class="back" cx="10" cy="10" r="8" /><circle cx="10" cy="10" r="8" stroke-dasharray={`${share * AROUND} ${AROUND}`} />
		</svg>
	)
}

function One({ toast }: { toast: Toast }) {
	return (
		<div class={`toast ${toast.tone}`} role={toast.tone === 'bad' ? 'alert' : 'status'}>
			<div class="text">{toast.text}{toast.hint && <div class="hint">{toast.hint}</div>}</div>
			{toast.undo && <button type="button" onClick={() => { dismiss(toast.id); void toast.undo?.() }}><Ring toast={toast} />Undo</button>}
			{!toast.undo && <button type="button" aria-label="Dismiss" onClick={() => dismiss(toast.id)}>✕</button>}
		</div>
	)
}

/** A popover, so that it lies above an open dialog too. */
export function Toasts() {
	const ref = useRef<HTMLDivElement>(null)
	const some = toasts.value.length > 0
	useLayoutEffect(() => {
		const element = ref.current
		if (!element?.showPopover) return
		if (element.matches(':popover-open')) element.hidePopover()
		if (some) element.showPopover()
	}, [toasts.value])
	return (
		<div ref={ref} class="toasts" popover="manual" aria-live="polite">
			{toasts.value.map((toast) => <One key={toast.id} toast={toast} />)}
		</div>
	)
}
