// The timeline as one story: what happened to the incident stays a line of its own; what Mainstay did because of it
// (steps without a page, pages written, every try) is folded into that line. The journal keeps all of it.
import type { PageState, TimelineItem } from '../api/contract'

/** One way a page went, as it stands: its newest word counts. */
export interface Way { page: number, channel: string, state: PageState }
export interface Chapter { item: TimelineItem, ways: Way[], steps: TimelineItem[] }

/** Steps of the escalation that say nothing a reader of the line above does not know. */
const silent = new Set(['acknowledged', 'stopped', 'undone', 'urgency'])
const text = (value: unknown): string => typeof value === 'string' ? value : ''

function isSilent(item: TimelineItem): boolean {
	if (item.kind === 'update.planned') return true // when news is owed stands beside, and counts down
	const targets = item.details['targets']
	const pagedNobody = !Array.isArray(targets) || targets.length === 0
	return item.kind === 'escalation.moved' && pagedNobody && text(item.details['text']) === '' && silent.has(text(item.details['action']))
}

/** A try that will be repeated waits. */
function stateAfter(item: TimelineItem): PageState {
	if (item.kind === 'page.created') return 'queued'
	if (item.kind === 'page.cancelled') return 'cancelled'
	const state = text(item.details['state'])
	return state === 'sent' || state === 'delivered' || state === 'failed' ? state : 'queued'
}

/** That it lapsed was said by the step which found it out. */
function isToldBy(last: Chapter, item: TimelineItem): boolean {
	return item.kind === 'incident.ack_lapsed' && last.item.kind === 'escalation.moved' && last.item.details['action'] === 'lapsed'
}

export function storyOf(items: readonly TimelineItem[]): Chapter[] {
	const chapters: Chapter[] = []
	const ofPage = new Map<number, { chapter: Chapter, way: Way }>()
	for (const item of items) {
		const last = chapters.at(-1)
		const page = item.kind.startsWith('page.') ? Number(item.details['page']) : NaN
		const known = ofPage.get(page)
		if (known) {
			known.way.state = stateAfter(item)
			known.chapter.steps.push(item)
		} else if (last && item.kind === 'page.created') {
			const way = { page, channel: text(item.details['channel']), state: stateAfter(item) }
			last.ways.push(way)
			last.steps.push(item)
			ofPage.set(page, { chapter: last, way })
		} else if (last && (isSilent(item) || isToldBy(last, item))) {
			last.steps.push(item)
		} else {
			chapters.push({ item, ways: [], steps: [] })
		}
	}
	return chapters
}

/** "webhook", or "webhook ×3" where one way was used for several people. */
export function waysInWords(ways: readonly Way[]): { words: string, state: PageState }[] {
	const found = new Map<string, { channel: string, state: PageState, count: number }>()
	for (const way of ways) {
		const key = `${way.channel} ${way.state}`
		const row = found.get(key) ?? { channel: way.channel, state: way.state, count: 0 }
		row.count++
		found.set(key, row)
	}
	return [...found.values()].map(({ channel, state, count }) => ({ words: count > 1 ? `${channel} ×${count}` : channel, state }))
}
