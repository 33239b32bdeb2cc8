import type { ComponentChildren } from 'preact'
import { useState } from 'preact/hooks'
import { Icon, type IconName } from './Icon'

interface Props {
	children?: ComponentChildren
	kind?: 'primary' | 'danger' | 'plain'
	size?: 'small' | 'large'
	icon?: IconName
	/** For a button that is an icon alone. */
	label?: string
	type?: 'submit' | 'button'
	disabled?: boolean
	title?: string
	/** While the promise runs the button is busy and cannot be pressed again. */
	onClick?: () => unknown
	busy?: boolean
	pressed?: boolean
	autofocus?: boolean
}

export function Button({ children, kind, size, icon, label, type = 'button', disabled, title, onClick, busy, pressed, autofocus }: Props) {
	const [running, setRunning] = useState(false)
	const press = async () => {
		const result = onClick?.()
		if (!(result instanceof Promise)) return
		setRunning(true)
		try { await result } finally { setRunning(false) }
	}
	const classes = ['button', kind, size, !children && icon ? 'icon' : ''].filter(Boolean).join(' ')
	const waits = running || busy
	return (
		<button type={type} class={classes} disabled={disabled || waits} aria-busy={waits ? 'true' : undefined} aria-label={label} title={title ?? label}
			aria-pressed={pressed} autofocus={autofocus} onClick={onClick ? press : undefined}>
			{icon && <Icon name={icon} size={size === 'small' ? 15 : 17} />}{children}
		</button>
	)
}
