// The next four weeks of a schedule as one lane (four lanes of a week on a phone): a coloured piece a shift with the
// person's name in it, and red hatching where nobody is on call.
import type { Shifts } from '../../api/contract'
import { serverNow } from '../../lib/clock'
import { layOut, type Piece } from '../../lib/lanes'
import { clockText, dayText, wallClock } from '../../lib/time'
import { listText } from '../../lib/words'
import { toneOf } from '../../ui/Person'

/** Narrower pieces have no room for a name; the pointer and a screen reader still get it. */
const LABEL_MIN_PERCENT = 3.5

interface Shift { from: string, to: string, users: Shifts['segments'][number]['users'], override: number | null, gap: boolean }

function shiftsOf(data: Shifts): Shift[] {
	const gaps = data.gaps.map((gap) => ({ ...gap, users: [], override: null, gap: true }))
	return [...data.segments.map((s) => ({ from: s.from, to: s.to, users: s.users, override: s.override, gap: s.users.length === 0 })), ...gaps]
}

function PieceView({ piece, now }: { piece: Piece<Shift>, now: number }) {
	const { item } = piece
	const who = item.gap ? 'Nobody' : listText(item.users.map((u) => u.name))
	const text = `${who}, ${clockText(piece.from, now)} to ${clockText(piece.to, now)}${item.override !== null ? ' (override)' : ''}`
	const classes = ['piece', item.gap ? 'gap' : toneOf(item.users[0]!), item.override !== null ? 'override' : '', piece.begins ? '' : 'goes-on', piece.ends ? '' : 'goes-over']
	return <li class={classes.filter(Boolean).join(' ')} style={{ left: `${piece.left}%`, width: `${piece.width}%` }} title={text}>{piece.width > LABEL_MIN_PERCENT && <span aria-hidden="true">{who}</span>}<span class="hidden-text">{text}</span></li>
}

export function Lanes({ data, narrow }: { data: Shifts, narrow: boolean }) {
	const now = serverNow()
	const rows = narrow ? layOut(shiftsOf(data), Date.parse(data.from), 4, 7) : layOut(shiftsOf(data), Date.parse(data.from), 1, 28)
	return (
		<div class={`lanes${narrow ? ' weeks' : ''}`}>
			{rows.map((row) => {
				const monday = row.days.findIndex((day) => wallClock(day).weekday === 'Mon')
				const share = (t: number) => (100 * (t - row.from)) / (row.to - row.from)
				return (
					<div key={row.from} class="lane">
						<div class="days" aria-hidden="true">
							{row.days.map((day, i) => {
								const wall = wallClock(day)
								const weekend = wall.weekday === 'Sat' || wall.weekday === 'Sun'
								const label = narrow ? `${wall.weekday.slice(0, 2)} ${Number(wall.day)}` : i === monday || (i === 0 && monday > 2) || (i > 0 && wall.weekday === 'Mon') ? dayText(day, now) : ''
								return <span key={day} class={weekend ? 'weekend' : ''}>{label}</span>
							})}
						</div>
						<ul class="pieces" aria-label={`From ${dayText(row.from, now)}`}>
							{row.pieces.map((piece, i) => <PieceView key={i} piece={piece} now={now} />)}
							{now >= row.from && now < row.to && <i class="now-line" style={{ left: `${share(now)}%` }} aria-hidden="true" />}
						</ul>
					</div>
				)
			})}
		</div>
	)
}
