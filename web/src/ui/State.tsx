// States and priorities: each has a shape, a word and a colour, so none is told by colour alone.
import type { AlertState, CheckState, IncidentState, PageState, Priority } from '../api/contract'
import type { JSX } from 'preact'

const shapes: Record<string, JSX.Element> = {
	up: <><circle cx="8" cy="8" r="7" fill="currentColor" /><path d="M4.800 8.300 7.100 10.600 11.300 5.700" stroke="var(--surface)" stroke-width="1.700" fill="none" stroke-linecap="round" stroke-linejoin="round" /></>,
	down: <><path d="M5 1h6l4 4v6l-4 4H5l-4-4V5Z" fill="currentColor" /><path d="M5.500 5.500l5 5m0-5-5 5" stroke="var(--surface)" stroke-width="1.700" stroke-linecap="round" /></>,
	degraded: <><path d="M8 1 15.500 14.500H.500Z" fill="currentColor" /><path d="M8 6v4m0 2v.100" stroke="var(--surface)" stroke-width="1.700" stroke-linecap="round" /></>,
	unknown: <><circle cx="8" cy="8" r="6.200" fill="none" stroke="currentColor" stroke-width="1.600" stroke-dasharray="2.600 2.300" /></>,
	paused: <path d="M5 3v10M11 3v10" stroke="currentColor" stroke-width="2.400" stroke-linecap="round" />,
	taken: <><circle cx="8" cy="5" r="3.200" fill="currentColor" /><path d="M1.800 15a6.200 6.200 0 0 1 12.400 0Z" fill="currentColor" /></>,
	muted: <path d="M11.500 9V6.500A3.500 3.500 0 0 0 5.500 4M4.500 6.500V9L3 11.500h8.500M2 2l12 12M6.500 13.500h3" fill="none" stroke="currentColor" stroke-width="1.500" stroke-linecap="round" stroke-linejoin="round" />,
}

export function Shape({ name, size = 15 }: { name: string, size?: number }) {
	return <svg width={size} height={size} viewBox="0 0 16 16" aria-hidden="true">{shapes[name]}</svg>
}

const checkWords: Record<CheckState, string> = { up: 'Up', down: 'Down', degraded: 'Degraded', unknown: 'No result yet', paused: 'Paused' }

export function CheckBadge({ state, pill }: { state: CheckState, pill?: boolean }) {
	return <span class={`state s-${state}${pill ? ' pill' : ''}`}><Shape name={state} />{checkWords[state]}</span>
}

const incidentShapes: Record<IncidentState, [shape: string, word: string]> = {
	open: ['down', 'Open'], acknowledged: ['taken', 'Acknowledged'], resolved: ['up', 'Resolved'],
}

export function IncidentBadge({ state, pill }: { state: IncidentState, pill?: boolean }) {
	const [shape, word] = incidentShapes[state]
	return <span class={`state s-${shape}${pill ? ' pill' : ''}`}><Shape name={shape} />{word}</span>
}

export function PriorityBadge({ priority, big }: { priority: Priority, big?: boolean }) {
	return <span class={`priority ${priority.toLowerCase()}${big ? ' big' : ''}`} title={`Priority ${priority.slice(1)}`}>{priority}</span>
}

const alertShapes: Record<AlertState, [string, string]> = {
	pending: ['unknown', 'Pending'], firing: ['down', 'Firing'], recovering: ['degraded', 'Recovering'], resolved: ['up', 'Resolved'],
}

export function AlertBadge({ state }: { state: AlertState }) {
	const [shape, word] = alertShapes[state]
	return <span class={`state s-${shape}`}><Shape name={shape} />{word}</span>
}

const pageShapes: Record<PageState, [string, string]> = {
	queued: ['unknown', 'Queued'], sending: ['unknown', 'Sending'], sent: ['taken', 'Sent'], delivered: ['up', 'Delivered'],
	failed: ['down', 'Failed'], cancelled: ['paused', 'Cancelled'],
}

export function PageBadge({ state }: { state: PageState }) {
	const [shape, word] = pageShapes[state]
	return <span class={`state s-${shape}`}><Shape name={shape} size={13} />{word}</span>
}
