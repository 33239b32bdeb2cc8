// An action a person asked for: done, told, and undone again where the server offers it.
import { complain, offerUndo, say } from '../lib/toast'
import { call, problemFrom } from './client'
import type { IncidentAction, Operations } from './contract'

/** Runs `work`; a problem is shown and answers undefined, so that callers need no catch. */
export async function attempt<T>(work: () => Promise<T>, done?: string): Promise<T | undefined> {
	try {
		const result = await work()
		if (done) say(done)
		return result
	} catch (error) {
		complain(problemFrom(error))
		return undefined
	}
}

type IncidentVerb = 'incident_acknowledge' | 'incident_resolve' | 'incident_reopen' | 'incident_note' | 'incident_priority' | 'incident_escalate' | 'incident_retitle'

/** An act on an incident; what can be undone offers it until the server's time for that is over. */
export async function actOnIncident<K extends IncidentVerb>(verb: K, id: number, body: NonNullable<Operations[K]['body']>, done: string): Promise<IncidentAction | undefined> {
	const result = await attempt(() => (call as Function)(verb, { id }, body) as Promise<IncidentAction>)
	if (!result) return undefined
	if (result.undo_until) {
		offerUndo(done, Date.parse(result.undo_until), () => attempt(() => call('incident_undo', { id }, { seq: result.seq }), 'Undone'))
	} else say(done)
	return result
}
