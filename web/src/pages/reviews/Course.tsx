// The course of an incident on one axis: its phases as a strip, gaps hatched, each moment named below.
import type { Review } from '../../api/contract'
import { durationText, fullText, wallClock } from '../../lib/time'

const tones: Record<string, string> = { started: 'down', detected: 'degraded', acknowledged: 'taken', mitigated: 'up' }

export function Course({ review }: { review: Review }) {
	const moments = review.phases.filter((p) => p.at !== null).map((p) => ({ ...p, time: Date.parse(p.at!) })).sort((a, b) => a.time - b.time)
	const [first, last] = [moments[0]?.time ?? 0, moments.at(-1)?.time ?? 0]
	const whole = Math.max(1, last - first)
	const at = (time: number) => Math.min(100, Math.max(0, ((time - first) / whole) * 100))
	// The strip changes its colour only at the moments that change what is going on.
	const turns = moments.filter((m) => tones[m.phase])
	return (
		<div class="course">
			<div class="axis" aria-hidden="true">
				{turns.map((turn, i) => {
					const until = turns[i + 1]?.time ?? last
					return <i key={turn.phase} class={tones[turn.phase]} style={{ left: `${at(turn.time)}%`, width: `${at(until) - at(turn.time)}%` }} />
				})}
				{review.gaps.map((gap) => <b key={gap.after_seq} style={{ left: `${at(Date.parse(gap.from))}%`, width: `${at(Date.parse(gap.to)) - at(Date.parse(gap.from))}%` }} />)}
				{moments.map((m) => <s key={m.phase} style={{ left: `${at(m.time)}%` }} />)}
			</div>
			<div class="ends small quiet num"><span>{wallText(first)}</span><span>{durationText(whole)}</span><span>{wallText(last)}</span></div>
			<ol class="moments">
				{review.phases.map((p) => (
					<li key={p.phase} class={p.at ? tones[p.phase] ?? '' : 'none'} title={p.means}>
						<strong>{p.title}</strong>
						{p.at === null ? <span class="quiet">did not happen</span> : (
							<><a class="num" href={`/journal?as_of=${p.seq}`} title={`${fullText(Date.parse(p.at))}: event ${p.seq} of the journal`}>{wallText(Date.parse(p.at))}</a><span class="quiet small num">{Date.parse(p.at) === first ? 'the beginning' : `+${durationText(Date.parse(p.at) - first)}`}</span></>
						)}
					</li>
				))}
			</ol>
		</div>
	)
}

function wallText(time: number): string {
	const wall = wallClock(time)
	return `${wall.hour}:${wall.minute}:${wall.second}`
}
