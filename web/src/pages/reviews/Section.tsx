// One part of a review: read it, write it. What is typed is kept in this browser until it is saved; when somebody
// else saved meanwhile, both texts stand side by side and the writer decides.
import { useEffect, useState } from 'preact/hooks'
import { ApiError, call, problemFrom } from '../../api/client'
import type { Problem, Review } from '../../api/contract'
import { complain, say } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { ProblemFace } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Time } from '../../ui/Time'

type Part = Review['sections'][number]

interface Kept { text: string, revision: number }

function keyOf(id: number, section: string): string { return `mainstay-review-${id}-${section}` }

function read(key: string): Kept | undefined {
	try { return JSON.parse(localStorage.getItem(key) ?? 'null') ?? undefined } catch { return undefined }
}

function keep(key: string, kept: Kept | undefined): void {
	try { if (kept) localStorage.setItem(key, JSON.stringify(kept)); else localStorage.removeItem(key) } catch { /* a browser that keeps nothing loses only the draft */ }
}

export function Hints({ hints }: { hints: Part['hints'] }) {
	if (hints.length === 0) return null
	return <ul class="hints small">{hints.map((hint) => <li key={hint.found}><q>{hint.found}</q> <span class="quiet">{hint.say}</span></li>)}</ul>
}

export function Section({ id, part, editable, refetch }: { id: number, part: Part, editable: boolean, refetch: () => Promise<void> }) {
	const key = keyOf(id, part.section)
	const [draft, setDraft] = useState<Kept | undefined>(() => read(key))
	const [problem, setProblem] = useState<Problem>()
	const [busy, setBusy] = useState(false)
	useEffect(() => keep(key, draft), [key, draft])
	const stale = draft !== undefined && draft.revision !== part.revision
	const save = async (text: string, revision: number) => {
		setBusy(true)
		setProblem(undefined)
		try {
			await call('review_write', { id, section: part.section }, { text }, { ifMatch: `"${revision}"` })
			setDraft(undefined)
			await refetch()
			say(`${part.title}: saved`)
		} catch (error) {
			const why = problemFrom(error)
			if (error instanceof ApiError && why.status === 412) { await refetch(); complain(why) } else setProblem(why)
		} finally { setBusy(false) }
	}
	const editing = editable && draft !== undefined
	return (
		<section class="part" aria-label={part.title}>
			<header><h2>{part.title}</h2>{editable && !editing && <Button size="small" kind="plain" icon="edit" onClick={() => setDraft({ text: part.text, revision: part.revision })}>{part.text ? 'Edit' : 'Write'}</Button>}</header>
			{!editing && (part.text ? <div class="prose" dangerouslySetInnerHTML={{ __html: part.html }} /> : <p class="quiet">{part.asks}</p>)}
			{editing && (
				<form class="stack" onSubmit={(e) => { e.preventDefault(); void save(draft.text, draft.revision) }}>
					{problem && <ProblemFace problem={problem} />}
					{stale && (
						<Notice tone="warn" what={<>{part.changed_by?.name ?? 'Somebody'} saved this part while you wrote. Yours stands below, theirs here:</>}>
							<div class="theirs pre">{part.text || '(nothing)'}</div>
							<div class="row">
								<Button size="small" onClick={() => setDraft({ text: `${part.text}\n\n${draft.text}`, revision: part.revision })}>Put both together</Button>
								<Button size="small" onClick={() => setDraft({ ...draft, revision: part.revision })}>Keep mine, replace theirs</Button>
								<Button size="small" onClick={() => setDraft(undefined)}>Take theirs</Button>
							</div>
						</Notice>
					)}
					<textarea class="input" rows={Math.min(24, Math.max(4, draft.text.split('\n').length + 1))} value={draft.text} aria-label={part.title} placeholder={part.asks} maxLength={40000}
						onInput={(e) => setDraft({ ...draft, text: (e.target as HTMLTextAreaElement).value })}
						onKeyDown={(e) => { if (e.key === 'Enter' && (e.ctrlKey || e.metaKey) && !stale) void save(draft.text, draft.revision) }} />
					<div class="row">
						<Button type="submit" kind="primary" size="small" disabled={busy || stale}>Save</Button>
						<Button kind="plain" size="small" onClick={() => setDraft(undefined)}>Cancel</Button>
						<span class="small quiet">Markdown. Kept in this browser until it is saved.</span>
					</div>
				</form>
			)}
			{!editing && <Hints hints={part.hints} />}
			{!editing && part.changed_by && part.changed_at && <p class="small quiet">{part.changed_by.name}, <Time at={part.changed_at} /></p>}
		</section>
	)
}
