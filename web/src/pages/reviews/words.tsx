// Words of reviews, said the same way on every page.
import type { ReviewRow } from '../../api/contract'
import { Shape } from '../../ui/State'

type ReviewState = ReviewRow['state']

const states: Record<ReviewState, [shape: string, word: string]> = {
	draft: ['unknown', 'Draft'], in_review: ['taken', 'In review'], published: ['up', 'Published'],
	waived: ['paused', 'Left out'], waiting: ['degraded', 'Waiting: the incident goes on'],
}

export function ReviewBadge({ row, pill }: { row: Pick<ReviewRow, 'state' | 'overdue'>, pill?: boolean }) {
	const [shape, word] = row.overdue ? ['down', `${states[row.state][1]}, overdue`] as const : states[row.state]
	return <span class={`state s-${shape}${pill ? ' pill' : ''}`}><Shape name={shape} />{word}</span>
}

export const factorKinds = [['technical', 'Technical'], ['process', 'Process'], ['information', 'Information'], ['organisation', 'Organisation'], ['outside', 'Outside']] as const

export function dateOf(at: string): string { return at.slice(0, 10) }
