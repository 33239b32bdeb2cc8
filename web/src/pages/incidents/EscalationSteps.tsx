// The escalation drawn: its steps downward, where it stands, who each one is now, when the next goes out.
import type { Escalation } from '../../api/contract'
import { listText } from '../../lib/words'
import { Shape } from '../../ui/State'
import { Countdown } from '../../ui/Time'

type Step = Escalation['steps'][number]

function TargetLine({ target }: { target: Step['targets'][number] }) {
	const who = target.users.map((u) => u.name)
	if (target.kind === 'user') return <div><strong>{who[0] ?? target.name}</strong></div>
	return (
		<div>
			{who.length > 0 ? <strong>{listText(who)}</strong> : <span class="state s-down"><Shape name="down" size={12} />nobody</span>}
			<span class="quiet"> · {target.kind} {target.kind === 'schedule' ? <a href="/on-call">{target.name}</a> : target.name}</span>
		</div>
	)
}

function headOf(escalation: Escalation): string {
	if (escalation.state === 'stopped') return 'Paging has stopped.'
	if (escalation.state === 'waiting') return 'Acknowledged: nobody further is paged unless it lapses.'
	if (escalation.last_resort) return 'All rounds are over: everyone is paged every 15 minutes.'
	return `Round ${escalation.round} of ${escalation.rounds}`
}

export function EscalationSteps({ escalation }: { escalation: Escalation }) {
	const running = escalation.state === 'running'
	const next = running && !escalation.last_resort ? (escalation.step % Math.max(1, escalation.steps.length)) + 1 : 0
	return (
		<div class="stack">
			<p class="small soft">{headOf(escalation)}{escalation.policy && <span class="quiet"> · policy {escalation.policy}</span>}</p>
			<ol class="steps">
				{escalation.steps.map((step, i) => {
					const number = i + 1
					const state = number <= escalation.step ? 'done' : number === next ? 'next' : 'later'
					return (
						<li key={number} class={state} aria-current={state === 'next' ? 'step' : undefined}>
							<span class="knot">{state === 'done' ? <Shape name="up" size={20} /> : number}</span>
							<div class="small">
								{step.targets.map((target, t) => <TargetLine key={t} target={target} />)}
								<div class="quiet">
									{state === 'done' && 'paged'}
									{state === 'next' && (escalation.next_at ? <>next, in <Countdown until={escalation.next_at} /></> : 'next')}
									{state === 'later' && `then, ${step.delay} of waiting`}
								</div>
							</div>
						</li>
					)
				})}
			</ol>
			{next === 1 && escalation.step === escalation.steps.length && escalation.next_at && <p class="small quiet">The next round begins in <Countdown until={escalation.next_at} />.</p>}
		</div>
	)
}
