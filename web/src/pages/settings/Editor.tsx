// Makes or changes a definition of any kind: the form comes from /kinds, saving is a PUT with the revision that was
// read, so that two people never overwrite each other unseen.
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { call, callWithEtag, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { Definition, Kind, KindAbout, Problem } from '../../api/contract'
import { go, guardLeaving } from '../../lib/route'
import { cleanSpec, emptySpec, type Spec } from '../../lib/spec'
import { say } from '../../lib/toast'
import { sentenceCase, slug } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Text } from '../../ui/Field'
import { Loaded, ProblemFace } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Skeleton } from '../../ui/Skeleton'
import { SpecForm } from '../../ui/SpecForm'

export interface EditorProps {
	kind: Kind
	/** Undefined: a new one. */
	name?: string | undefined
	start?: Spec
	/** Where to go once it is saved or given up. */
	after: (name: string) => string
	back: string
	/** A button beside Save, as "Test". */
	extra?: (spec: () => Spec) => ComponentChildren
}

function useNames(): Record<string, readonly string[]> {
	const services = useData('definition_list', { kind: 'Service', limit: 200 }, ['definition', 'resource'])
	const teams = useData('definition_list', { kind: 'Team', limit: 200 }, ['definition', 'resource'])
	const policies = useData('definition_list', { kind: 'EscalationPolicy', limit: 200 }, ['definition', 'resource'])
	const schedules = useData('definition_list', { kind: 'Schedule', limit: 200 }, ['definition', 'resource'])
	const secrets = useData('secret_list', { limit: 200 }, ['secret'])
	const names = (list: { data: { items: Definition[] } | undefined }) => list.data?.items.map((d) => d.metadata.name) ?? []
	return { service: names(services), team: names(teams), escalation_policy: names(policies), schedule: names(schedules), secret: secrets.data?.items.map((s) => s.name) ?? [] }
}

function DeleteDialog({ kind, name, revision, onClose, after }: { kind: Kind, name: string, revision: number, onClose: () => void, after: string }) {
	const [problem, setProblem] = useState<Problem>()
	const remove = async () => {
		try {
			await call('definition_delete', { kind, name }, { ifMatch: `"${revision}"` })
			say(`${name} is deleted`)
			onClose()
			go(after)
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<Dialog title={`Delete ${name}?`} onClose={onClose}>
			<p>Its past stays in the journal. What names it must be changed first.</p>
			{problem && <ProblemFace problem={problem} />}
			<div class="actions"><Button kind="danger" icon="trash" onClick={remove}>Delete</Button><Button kind="plain" onClick={onClose}>Keep</Button></div>
		</Dialog>
	)
}

function Form({ about, definition, etag, props }: { about: KindAbout, definition: Definition | undefined, etag: string | null, props: EditorProps }) {
	const offers = useNames()
	const [name, setName] = useState(props.name ?? '')
	const [spec, setSpec] = useState<Spec>(definition?.spec ?? { ...emptySpec(about.fields), ...props.start })
	const [problem, setProblem] = useState<Problem>()
	const [busy, setBusy] = useState(false)
	const [removing, setRemoving] = useState(false)
	const dirty = useRef(false)
	useEffect(() => guardLeaving(() => !dirty.current || confirm('Leave without saving what you changed?')), [])
	const change = (next: Spec) => { dirty.current = true; setSpec(next) }
	const save = async (event: Event) => {
		event.preventDefault()
		setBusy(true)
		setProblem(undefined)
		try {
			const final = slug(name)
			await callWithEtag('definition_put', { kind: props.kind, name: final }, { spec: cleanSpec(about.fields, spec) }, { ifMatch: etag ?? undefined })
			dirty.current = false
			say(`${final} is saved`)
			go(props.after(final))
		} catch (error) {
			setProblem(problemFrom(error))
			setBusy(false)
			scrollTo({ top: 0 })
		}
	}
	const manager = definition?.metadata.manager
	return (
		<form class="stack wide editor" onSubmit={save} noValidate>
			{problem && <ProblemFace problem={problem} />}
			{manager && manager !== 'people' && <Notice tone="warn" what={<>The file set <code>{manager}</code> manages this</>}>What you save here is yours from then on: the next apply of that set refuses it unless it takes it back.</Notice>}
			<div class="card">
				<div class="form">
					{!props.name && <Field label="Name" about="Small letters, digits, dots and dashes; it stays for ever." error={problem?.errors?.find((e) => e.field === 'name')?.detail}><Text value={name} onInput={(n) => { dirty.current = true; setName(n) }} maxLength={63} autofocus /></Field>}
					<SpecForm fields={about.fields} spec={spec} onChange={change} problem={problem} offers={offers} />
				</div>
			</div>
			<div class="actions">
				<Button kind="primary" size="large" type="submit" busy={busy} disabled={!name}>Save</Button>
				{props.extra?.(() => cleanSpec(about.fields, spec))}
				<a class="button large plain" href={props.back}>Cancel</a>
				{definition && <span class="grow row end-row"><Button kind="danger" icon="trash" onClick={() => setRemoving(true)}>Delete</Button></span>}
			</div>
			{removing && definition && <DeleteDialog kind={props.kind} name={definition.metadata.name} revision={definition.metadata.revision} after={props.back} onClose={() => setRemoving(false)} />}
		</form>
	)
}

function Existing({ about, props }: { about: KindAbout, props: EditorProps & { name: string } }) {
	// No event refetches while it is edited: what the person typed must not be replaced under the hand.
	const definition = useData('definition_get', { kind: props.kind, name: props.name }, [])
	return <Loaded of={definition} skeleton={<Skeleton lines={8} height={44} />}>{(data) => <Form about={about} definition={data} etag={definition.etag ?? `"${data.metadata.revision}"`} props={props} />}</Loaded>
}

export function Editor(props: EditorProps) {
	const kinds = useData('kind_list', {}, [])
	return (
		<Loaded of={kinds} skeleton={<Skeleton lines={8} height={44} />}>
			{(data) => {
				const about = data.items.find((k) => k.kind === props.kind)
				if (!about) return <Notice tone="bad" what={`This server does not know the kind ${sentenceCase(props.kind)}`} />
				return props.name ? <Existing about={about} props={{ ...props, name: props.name }} /> : <Form about={about} definition={undefined} etag={null} props={props} />
			}}
		</Loaded>
	)
}
