// A form made from the fields of a kind (`/kinds`), so a field added on the server is here at once. Nested objects
// are fieldsets, lists of objects are repeated ones. Errors of the server find their field by its path.
import type { Field as Row, Problem } from '../api/contract'
import { emptySpec, isMeant, type Spec } from '../lib/spec'
import { sentenceCase } from '../lib/words'
import { Button } from './Button'
import { Field, Select, Text, Tick } from './Field'

interface Props {
	fields: readonly Row[]
	spec: Spec
	onChange: (spec: Spec) => void
	problem?: Problem | undefined
	path?: string
	/** Known names for a field, as `service`: offered while typing. */
	offers?: Record<string, readonly string[]>
}

function errorAt(problem: Problem | undefined, path: string): string | undefined {
	return problem?.errors?.find((e) => e.field === path || e.field === `spec.${path}`)?.detail
}

function hintOf(row: Row): string {
	const parts = [row.about]
	if (row.min !== undefined && row.min !== null && row.max) parts.push(`${row.min} to ${row.max}${row.unit ? ` ${row.unit}` : ''}.`)
	else if (row.unit) parts.push(`In ${row.unit}.`)
	return parts.join(' ')
}

const widths: Record<string, boolean> = { url: true, text: false }

/** Words that each need a sentence: shown with it, all at once. */
function Choice({ row, value, onChange }: { row: Row, value: string, onChange: (v: unknown) => void }) {
	return (
		<fieldset class="whole choice">
			<legend>{sentenceCase(row.name)}</legend>
			<div class="choices">
				{row.values!.map((word, i) => (
					<label key={word} class="choice-row"><input type="radio" name={row.name} value={word} checked={word === value} onChange={() => onChange(word)} /><span><strong>{word}</strong><span class="about">{row.values_about![i]}</span></span></label>
				))}
			</div>
		</fieldset>
	)
}

/** A map as lines while it is edited; what the person typed stays as it is until it is sent. */
function mapText(value: unknown): string {
	if (typeof value === 'string') return value
	return Object.entries((value ?? {}) as Spec).map(([name, v]) => `${name}: ${v}`).join('\n')
}

function Scalar({ row, value, onChange, error, offers }: { row: Row, value: unknown, onChange: (v: unknown) => void, error: string | undefined, offers: readonly string[] | undefined }) {
	const label = sentenceCase(row.name)
	if (row.type === 'bool') {
		return <div class="field"><Tick checked={value === undefined ? row.default === 'true' : value === true} onInput={onChange}><strong>{label}</strong><br /><span class="about">{row.about}</span></Tick></div>
	}
	const common = { label, about: hintOf(row), error, needed: row.required, whole: widths[row.type] ?? false }
	if (row.type === 'enum' && row.values_about) return <Choice row={row} value={String(value ?? row.default ?? '')} onChange={onChange} />
	if (row.type === 'map') {
		return <Field {...common} about={`${row.about} One a line, as name: value.`} whole><Text lines={3} value={mapText(value)} onInput={onChange} /></Field>
	}
	if (row.type === 'enum') {
		const options = (row.values ?? []).map((v) => [v, sentenceCase(v)] as const)
		return <Field {...common}><Select value={String(value ?? row.default ?? '')} onInput={onChange} options={row.required || row.default ? options : [['', '–'], ...options]} /></Field>
	}
	if (row.type === 'list') {
		const text = Array.isArray(value) ? value.join('\n') : ''
		return <Field {...common} about={`${row.about} One a line.`} whole><Text lines={3} value={text} onInput={(t) => onChange(t.split('\n'))} /></Field>
	}
	// What has room for a page is written over several lines.
	if (row.type === 'text' && Number(row.max ?? 0) >= 2000) {
		return <Field {...common} whole><Text lines={4} value={value === undefined ? '' : String(value)} onInput={onChange} /></Field>
	}
	const list = offers?.length ? `offers-${row.name}` : undefined
	const type = row.secret ? 'password' : row.type === 'date' ? 'date' : row.type === 'clock' ? 'time' : 'text'
	return (
		<>
			<Field {...common}><Text type={type} value={value === undefined ? '' : String(value)} onInput={onChange} placeholder={row.default ?? ''} {...(list ? { list } : {})} /></Field>
			{list && <datalist id={list}>{offers!.map((o) => <option key={o} value={o} />)}</datalist>}
		</>
	)
}

function ListOfObjects({ row, value, onChange, problem, path, offers }: { row: Row, value: Spec[], onChange: (v: Spec[]) => void, problem: Problem | undefined, path: string, offers: Props['offers'] }) {
	const one = sentenceCase(row.name).replace(/s$/, '')
	return (
		<div class="field whole">
			<span class="label">{sentenceCase(row.name)}</span>
			<span class="about">{row.about}</span>
			<div class="stack">
				{value.map((item, index) => (
					<fieldset key={index}>
						<legend>{one} {index + 1}</legend>
						<SpecForm fields={row.fields!} spec={item} problem={problem} path={`${path}[${index}].`} {...(offers ? { offers } : {})}
							onChange={(next) => onChange(value.map((old, i) => (i === index ? next : old)))} />
						<div class="actions end"><Button size="small" kind="plain" icon="trash" onClick={() => onChange(value.filter((_, i) => i !== index))}>Remove</Button></div>
					</fieldset>
				))}
			</div>
			<div class="actions"><Button size="small" icon="plus" onClick={() => onChange([...value, emptySpec(row.fields!)])}>Add {one.toLowerCase()}</Button></div>
		</div>
	)
}

export function SpecForm({ fields, spec, onChange, problem, path = '', offers }: Props) {
	const set = (name: string, value: unknown) => onChange({ ...spec, [name]: value })
	return (
		<div class="form two">
			{fields.filter((row) => isMeant(row, spec, fields)).map((row) => {
				const here = `${path}${row.name}`
				if (row.type === 'object' && row.fields) {
					return (
						<fieldset key={row.name} class="whole">
							<legend>{sentenceCase(row.name)}</legend>
							<SpecForm fields={row.fields} spec={(spec[row.name] ?? {}) as Spec} problem={problem} path={`${here}.`} onChange={(next) => set(row.name, next)} {...(offers ? { offers } : {})} />
						</fieldset>
					)
				}
				if (row.type === 'list' && row.fields) {
					return <ListOfObjects key={row.name} row={row} value={(spec[row.name] ?? []) as Spec[]} onChange={(next) => set(row.name, next)} problem={problem} path={here} offers={offers} />
				}
				return <Scalar key={row.name} row={row} value={spec[row.name]} onChange={(next) => set(row.name, next)} error={errorAt(problem, here)} offers={offers?.[row.name]} />
			})}
		</div>
	)
}
