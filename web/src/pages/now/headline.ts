// The first sentence a half-awake person reads. Pure, so every case is tested.
import type { Now } from '../../api/contract'
import { plural } from '../../lib/words'

export interface Headline { tone: 'down' | 'taken' | 'degraded' | 'up' | 'unknown', text: string }

export function headline(now: Pick<Now, 'incidents' | 'checks' | 'first_run'>): Headline {
	const waiting = now.incidents.filter((i) => i.state === 'open').length
	const taken = now.incidents.filter((i) => i.state === 'acknowledged').length
	const { up, down, degraded, paused, unknown } = now.checks
	if (waiting > 0) return { tone: 'down', text: `${plural(waiting, 'incident')} ${waiting === 1 ? 'waits' : 'wait'} for somebody` }
	if (taken > 0) return { tone: 'taken', text: `${plural(taken, 'incident')}, and somebody is on ${taken === 1 ? 'it' : 'each'}` }
	if (down > 0) return { tone: 'down', text: `${plural(down, 'check')} ${down === 1 ? 'is' : 'are'} down` }
	if (degraded > 0) return { tone: 'degraded', text: `${plural(degraded, 'check')} ${degraded === 1 ? 'is' : 'are'} degraded` }
	if (up > 0) return { tone: 'up', text: unknown > 0 ? `Nothing is wrong; ${plural(unknown, 'check')} not known yet` : 'Everything is up' }
	if (unknown > 0) return { tone: 'unknown', text: 'The first results are on their way' }
	return { tone: 'unknown', text: paused > 0 ? 'Every check is paused' : 'Nothing is watched yet' }
}
