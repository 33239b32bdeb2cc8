import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './Icon'

const icons: Record<string, IconName> = { bad: 'incidents', warn: 'incidents', info: 'info', good: 'check' }

/** What is the matter, what to do about it, and perhaps a button for that. */
export function Notice({ tone, what, children, action }: { tone: 'bad' | 'warn' | 'info' | 'good', what: ComponentChildren, children?: ComponentChildren, action?: ComponentChildren }) {
	return (
		<div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : undefined}>
			<Icon name={icons[tone]!} />
			<div><div class="what">{what}</div>{children && <div>{children}</div>}</div>
			{action && <div>{action}</div>}
		</div>
	)
}
