import { useEffect, useRef, useState } from 'preact/hooks'
import { useKeys } from '../lib/keys'
import { setQuery } from '../lib/route'
import { Icon } from './Icon'

const TYPING_MS = 250

/** The search box of a list: `/` goes there, the address keeps what was searched. */
export function Search({ value, label }: { value: string, label: string }) {
	const ref = useRef<HTMLInputElement>(null)
	const [text, setText] = useState(value)
	useKeys([{ keys: '/', about: 'Search this list', run: () => ref.current?.focus() }])
	useEffect(() => {
		if (text === value) return undefined
		const timer = setTimeout(() => setQuery({ q: text, cursor: undefined }), TYPING_MS)
		return () => clearTimeout(timer)
	}, [text])
	return (
		<div class="search" role="search">
			<Icon name="search" size={16} />
			<input ref={ref} class="input" type="search" value={text} placeholder={label} aria-label={label} onInput={(e) => setText((e.target as HTMLInputElement).value)}
				onKeyDown={(e) => { if (e.key === 'Escape') ref.current?.blur() }} />
			<kbd aria-hidden="true">/</kbd>
		</div>
	)
}

/** One choice out of a few, kept in the address. */
export function Segments({ name, value, options, label }: { name: string, value: string, options: readonly (readonly [value: string, text: string])[], label: string }) {
	return (
		<div class="segments" role="group" aria-label={label}>
			{options.map(([key, text]) => <button key={key} type="button" aria-pressed={key === value} onClick={() => setQuery({ [name]: key, cursor: undefined })}>{text}</button>)}
		</div>
	)
}
