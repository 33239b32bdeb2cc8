import type { ComponentChildren } from 'preact'
import { useEffect } from 'preact/hooks'

interface Props {
	title: ComponentChildren
	/** What stands in the window's title; needed when `title` is not text. */
	name?: string
	sub?: ComponentChildren
	crumb?: { href: string, text: string }
	actions?: ComponentChildren
	children: ComponentChildren
}

export function Page({ title, name, sub, crumb, actions, children }: Props) {
	const words = name ?? (typeof title === 'string' ? title : 'Mainstay')
	useEffect(() => { document.title = `${words} · Mainstay` }, [words])
	return (
		<div class="page">
			<header>
				<div class="titles">
					{crumb && <a class="crumb" href={crumb.href}>← {crumb.text}</a>}
					<h1 tabIndex={-1}>{title}</h1>
					{sub && <div class="sub">{sub}</div>}
				</div>
				{actions && <div class="actions">{actions}</div>}
			</header>
			{children}
		</div>
	)
}
