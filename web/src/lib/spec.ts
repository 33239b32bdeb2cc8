// A definition's spec while it is edited. The form keeps what the person typed; here it becomes the document the
// server takes: empty fields left out, numbers as numbers, lists as lists. Pure, so it is tested.
import type { Field } from '../api/contract'

export type Spec = Record<string, unknown>

/** Whether a field has a meaning beside the values of its neighbours. */
export function isMeant(field: Field, spec: Spec, fields: readonly Field[]): boolean {
	if (!field.when) return true
	const other = fields.find((f) => f.name === field.when!.field)
	const value = spec[field.when.field] ?? other?.default ?? ''
	return field.when.values.includes(String(value))
}

/** The first value of a list of objects or of an object that is opened in the form. */
export function emptySpec(fields: readonly Field[]): Spec {
	const spec: Spec = {}
	for (const field of fields) {
		if (field.type === 'object' && field.required && field.fields) spec[field.name] = emptySpec(field.fields)
		else if (field.type === 'enum' && field.required) spec[field.name] = field.default ?? field.values?.[0] ?? ''
	}
	return spec
}

function isEmpty(value: unknown): boolean {
	if (value === undefined || value === null || value === '') return true
	if (Array.isArray(value)) return value.length === 0
	return typeof value === 'object' && Object.keys(value).length === 0
}

function cleanScalar(type: string, value: unknown): unknown {
	if (typeof value !== 'string') return value
	const text = value.trim()
	if ((type === 'int' || type === 'port') && /^-?\d+$/.test(text)) return Number(text)
	if (type === 'real' && text !== '' && Number.isFinite(Number(text))) return Number(text)
	if (type === 'bool' && (text === 'true' || text === 'false')) return text === 'true'
	return text
}

/** "Accept: text/html" a line. A line without a colon is a name without a value, which the server explains. */
function cleanMap(text: string): Spec {
	const out: Spec = {}
	for (const line of text.split('\n')) {
		const colon = line.indexOf(':')
		const name = (colon < 0 ? line : line.slice(0, colon)).trim()
		if (name) out[name] = colon < 0 ? '' : line.slice(colon + 1).trim()
	}
	return out
}

function cleanField(field: Field, value: unknown): unknown {
	if (field.type === 'object' && field.fields) return cleanSpec(field.fields, (value ?? {}) as Spec)
	if (field.type === 'list' && Array.isArray(value)) {
		if (field.fields) return value.map((item) => cleanSpec(field.fields!, item as Spec))
		return value.map((item) => cleanScalar(field.item ?? 'text', item)).filter((item) => item !== '')
	}
	if (field.type === 'map' && typeof value === 'string') return cleanMap(value)
	return cleanScalar(field.type, value)
}

/** What is sent. A key the form does not know is kept: a newer server may have put it there. */
export function cleanSpec(fields: readonly Field[], spec: Spec): Spec {
	const out: Spec = {}
	for (const field of fields) {
		if (!isMeant(field, spec, fields)) continue
		const value = cleanField(field, spec[field.name])
		if (!isEmpty(value)) out[field.name] = value
	}
	for (const key of Object.keys(spec)) if (!fields.some((f) => f.name === key)) out[key] = spec[key]
	return out
}
