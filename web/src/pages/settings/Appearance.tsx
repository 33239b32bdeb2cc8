import { useState } from 'preact/hooks'

const themes = [['', 'As the system'], ['light', 'Light'], ['dark', 'Dark']] as const

function current(): string {
	return document.documentElement.dataset['theme'] ?? ''
}

export function Appearance() {
	const [theme, setTheme] = useState(current())
	const choose = (next: string) => {
		if (next) document.documentElement.dataset['theme'] = next
		else delete document.documentElement.dataset['theme']
		try {
			if (next) localStorage.setItem('mainstay-theme', next)
			else localStorage.removeItem('mainstay-theme')
		} catch { /* storage may be denied: then it lasts as long as this tab */ }
		setTheme(next)
	}
	return (
		<section class="card">
			<header><h2>Appearance</h2></header>
			<div class="stack">
				<div class="segments" role="radiogroup" aria-label="Scheme">
					{themes.map(([key, text]) => <button key={key} type="button" role="radio" aria-checked={key === theme} onClick={() => choose(key)}>{text}</button>)}
				</div>
				<p class="small soft">Kept in this browser. Motion follows the system's wish for less of it.</p>
			</div>
		</section>
	)
}
