// Small words and figures.

export function plural(count: number, one: string, many = `${one}s`): string {
	return `${count} ${count === 1 ? one : many}`
}

/** "Ada", "Ada and Bo", "Ada, Bo and Cy". */
export function listText(words: string[], last = 'and'): string {
	if (words.length < 2) return words[0] ?? ''
	return `${words.slice(0, -1).join(', ')} ${last} ${words[words.length - 1]}`
}

/** Uptime never rounds up to 100: 99.997 is "99.99", so a bad minute stays visible. */
export function percentText(value: number | null | undefined): string {
	if (value === null || value === undefined) return '–'
	if (value >= 100) return '100%'
	const digits = value >= 99 ? 2 : 1
	const factor = 10 ** digits
	return `${(Math.floor(value * factor) / factor).toFixed(digits)}%`
}

export function latencyText(ms: number | null | undefined): string {
	if (ms === null || ms === undefined) return '–'
	if (ms < 1) return '<1 ms'
	if (ms < 1000) return `${Math.round(ms)} ms`
	return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`
}

/** Two letters for a person: "Ada Lovelace" -> "AL", "ops" -> "OP". */
export function initials(name: string): string {
	const words = name.trim().split(/\s+/)
	const letters = words.length > 1 ? words[0]![0]! + words[words.length - 1]![0]! : name.trim().slice(0, 2)
	return letters.toUpperCase()
}

/** A stable small number of a text, to pick a colour. */
export function hashText(text: string): number {
	let hash = 2166136261
	for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 16777619)
	return hash >>> 0
}

/** A name a person would accept for a service: "My Web Shop!" -> "my-web-shop". */
export function slug(text: string): string {
	return text.toLowerCase().normalize('NFKD').replace(/[\u0300-\u036f]/g, '').replace(/[^a-z0-9._-]+/g, '-')
		.replace(/^[^a-z0-9]+/, '').slice(0, 63).replace(/[^a-z0-9]+$/, '')
}

/** "check_down" or "check.down" -> "Check down". */
export function sentenceCase(word: string): string {
	const text = word.replace(/[._-]+/g, ' ').trim()
	if (/^(url|http|tcp|tls|dns|id)$/.test(text)) return text.toUpperCase()
	return text.charAt(0).toUpperCase() + text.slice(1)
}
