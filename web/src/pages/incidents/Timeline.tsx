// What happened, oldest first, by day; from the journal, so it is never typed twice. Notes stand out.
import type { TimelineItem } from '../../api/contract'
import { everyTenSeconds } from '../../lib/clock'
import { dayText, durationText, fullText, wallClock } from '../../lib/time'
import { storyOf, waysInWords, type Chapter } from '../../lib/story'
import { sentenceCase } from '../../lib/words'
import { Icon, type IconName } from '../../ui/Icon'
import { Face } from '../../ui/Person'
import { PageBadge } from '../../ui/State'

/** Kinds are matched by their words, so that a new kind still gets a fitting mark. */
function markOf(kind: string, state: unknown): { icon: IconName, tone: string } {
	if (kind.includes('note')) return { icon: 'note', tone: 'note' }
	if (/fail|lost|unrecorded/.test(kind) || state === 'failed') return { icon: 'close', tone: 'down' }
	if (kind.includes('priority')) return { icon: 'edit', tone: 'note' }
	if (kind.includes('acknowledge')) return { icon: 'check', tone: 'taken' }
	if (kind.includes('resolve') || kind.includes('recover')) return { icon: 'check', tone: 'up' }
	if (kind.includes('undo') || kind.includes('undone') || kind.includes('lapse')) return { icon: 'undo', tone: 'degraded' }
	if (state === 'delivered') return { icon: 'page', tone: 'up' }
	if (kind.startsWith('page') || kind.startsWith('delivery')) return { icon: 'page', tone: '' }
	if (kind.startsWith('escalation')) return { icon: 'up', tone: 'degraded' }
	if (kind.startsWith('alert') || kind.startsWith('check') || kind.includes('open')) return { icon: 'incidents', tone: 'down' }
	return { icon: 'clock', tone: '' }
}

const skipped = new Set(['text', 'title', 'incident'])

/** What is nested is of the machine's own kind: the journal shows it whole. */
function detailText(value: unknown): string {
	return typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value)
}

/** What was folded into the line, each with its time. */
function Steps({ steps }: { steps: readonly TimelineItem[] }) {
	return (
		<details class="steps"><summary>{steps.length === 1 ? '1 step' : `${steps.length} steps`}</summary>
			<ol>{steps.map((step) => {
				const at = Date.parse(step.at)
				const wall = wallClock(at)
				return <li key={step.seq}><time class="num quiet" dateTime={step.at} title={fullText(at)}>{wall.hour}:{wall.minute}:{wall.second}</time> <span class="pre">{step.text}</span></li>
			})}</ol>
		</details>
	)
}

function Item({ chapter: { item, ways, steps } }: { chapter: Chapter }) {
	const at = Date.parse(item.at)
	const wall = wallClock(at)
	const mark = markOf(item.kind, item.details['state'])
	const details = Object.entries(item.details).filter(([key, value]) => !skipped.has(key) && value !== null && value !== '' && typeof value !== 'object')
	return (
		<li class={`event ${mark.tone}`}>
			<time class="num quiet" dateTime={item.at} title={fullText(at)}>{wall.hour}:{wall.minute}<span class="seconds">:{wall.second}</span></time>
			<span class="dot"><Icon name={mark.icon} size={13} /></span>
			<div class="what">
				<div class="pre">{item.text}</div>
				{ways.length > 0 && <div class="small row tight ways">{waysInWords(ways).map(({ words, state }) => <span key={words + state} class="row tight"><span>{sentenceCase(words)}</span><PageBadge state={state} /></span>)}</div>}
				<div class="small quiet row tight">
					{item.actor ? <><Face user={item.actor} />{item.actor.name}</> : 'Mainstay'}
					<span>· {sentenceCase(item.kind)}</span>
					{item.late_us !== undefined && item.late_us > 1_000_000 && <span class="state s-degraded">· {durationText(item.late_us / 1000)} late</span>}
					{details.length > 0 && (
						<details><summary>details</summary><dl class="facts">{details.map(([key, value]) => <><dt>{sentenceCase(key)}</dt><dd>{detailText(value)}</dd></>)}<dt>Journal</dt><dd>{item.seq}</dd></dl></details>
					)}
					{steps.length > 0 && <Steps steps={steps} />}
				</div>
			</div>
		</li>
	)
}

export function Timeline({ items }: { items: readonly TimelineItem[] }) {
	const now = everyTenSeconds.value
	const days = new Map<string, Chapter[]>()
	for (const chapter of storyOf(items)) {
		const day = dayText(Date.parse(chapter.item.at), now)
		days.set(day, [...days.get(day) ?? [], chapter])
	}
	return (
		<div class="timeline">
			{[...days].map(([day, list]) => (
				<section key={day} aria-label={day}>
					<h3 class="quiet">{day}</h3>
					<ol>{list.map((chapter) => <Item key={chapter.item.seq} chapter={chapter} />)}</ol>
				</section>
			))}
		</div>
	)
}
