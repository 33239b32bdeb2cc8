// One labelled input with what it is for and what is wrong with it, tied together for screen readers.
import type { ComponentChildren, JSX } from 'preact'
import { cloneElement } from 'preact'
import { useId } from 'preact/hooks'
import { Shape } from './State'

interface Props {
	label: ComponentChildren
	about?: ComponentChildren
	error?: string | undefined
	optional?: boolean
	needed?: boolean
	whole?: boolean
	children: JSX.Element
}

export function Field({ label, about, error, optional, needed, whole, children }: Props) {
	const id = useId()
	const described = [about ? `${id}-about` : '', error ? `${id}-bad` : ''].filter(Boolean).join(' ')
	return (
		<div class={`field${whole ? ' whole' : ''}`}>
			<label for={id}>{label}{optional && <span class="need"> optional</span>}{needed && <span class="need"> needed</span>}</label>
			{cloneElement(children, { id, 'aria-describedby': described || undefined, 'aria-invalid': error ? 'true' : undefined })}
			{error && <span class="bad" id={`${id}-bad`}><Shape name="down" size={12} />{error}</span>}
			{about && <span class="about" id={`${id}-about`}>{about}</span>}
		</div>
	)
}

interface TextProps {
	value: string
	onInput: (value: string) => void
	type?: 'text' | 'email' | 'password' | 'url' | 'datetime-local' | 'search' | 'number' | 'date' | 'time'
	placeholder?: string
	required?: boolean
	autocomplete?: string
	autofocus?: boolean
	lines?: number
	list?: string
	min?: string
	maxLength?: number
	id?: string
}

export function Text({ value, onInput, lines, type = 'text', ...rest }: TextProps) {
	const take = (event: Event) => onInput((event.target as HTMLInputElement).value)
	if (lines) return <textarea class="input" rows={lines} value={value} onInput={take} {...(rest as object)} />
	return <input class="input" type={type as 'text'} value={value} onInput={take} {...(rest as object)} />
}

interface SelectProps { value: string, onInput: (value: string) => void, options: readonly (readonly [value: string, text: string])[], id?: string, label?: string }

export function Select({ value, onInput, options, label, ...rest }: SelectProps) {
	return (
		<select class="select" value={value} aria-label={label} onInput={(event) => onInput((event.target as HTMLSelectElement).value)} {...(rest as object)}>
			{options.map(([key, text]) => <option key={key} value={key} selected={key === value}>{text}</option>)}
		</select>
	)
}

export function Tick({ checked, onInput, children }: { checked: boolean, onInput: (checked: boolean) => void, children: ComponentChildren }) {
	return <label class="check"><input type="checkbox" checked={checked} onChange={(event) => onInput((event.target as HTMLInputElement).checked)} /><span>{children}</span></label>
}
