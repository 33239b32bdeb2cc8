import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'
import { Wordmark } from '../../ui/Wordmark'

/** The frame of the pages outside: the wordmark and one card. */
export function Door({ title, sub, children }: { title: string, sub?: ComponentChildren, children: ComponentChildren }) {
	useEffect(() => { document.title = `${title} · Mainstay` }, [title])
	return (
		<main class="door">
			<Wordmark />
			<div class="card">
				<h1 tabIndex={-1}>{title}</h1>
				{sub && <p class="soft">{sub}</p>}
				{children}
			</div>
		</main>
	)
}
