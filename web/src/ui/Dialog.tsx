// A modal question. The browser's own <dialog> keeps the focus inside, closes on Escape and gives the focus back.
import type { ComponentChildren } from 'preact'
import { useEffect, useId, useRef } from 'preact/hooks'
import { Button } from './Button'

export function Dialog({ title, children, onClose, wide }: { title: string, children: ComponentChildren, onClose: () => void, wide?: boolean }) {
	const ref = useRef<HTMLDialogElement>(null)
	const id = useId()
	useEffect(() => {
		const dialog = ref.current!
		if (!dialog.open) dialog.showModal()
		return () => dialog.close()
	}, [])
	return (
		<dialog ref={ref} class={`dialog${wide ? ' wide' : ''}`} aria-labelledby={id} onCancel={(event) => { event.preventDefault(); onClose() }}
			onMouseDown={(event) => { if (event.target === ref.current) onClose() }}>
			<header><h2 id={id}>{title}</h2><Button kind="plain" icon="close" label="Close" onClick={onClose} /></header>
			<div class="body">{children}</div>
		</dialog>
	)
}
