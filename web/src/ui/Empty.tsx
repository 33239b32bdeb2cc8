import type { ComponentChildren } from 'preact'
import { Icon, type IconName } from './Icon'

export function Empty({ icon, title, children, action, small }: { icon?: IconName, title: string, children?: ComponentChildren, action?: ComponentChildren, small?: boolean }) {
	return (
		<div class={`empty${small ? ' small' : ''}`}>
			{icon && <Icon name={icon} size={36} />}
			<h2>{title}</h2>
			{children && <p>{children}</p>}
			{action && <div class="actions">{action}</div>}
		</div>
	)
}
