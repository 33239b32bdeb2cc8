// The priority matrix: impact down, urgency across. The cell that counts is ringed; with `onPick` cells are buttons.
import type { Level, Priority, PriorityWhy } from '../api/contract'
import { sentenceCase } from '../lib/words'

interface Props {
	matrix: PriorityWhy['matrix']
	here?: readonly number[]
	onPick?: (impact: Level, urgency: Level, priority: Priority) => void
}

export function Matrix({ matrix, here, onPick }: Props) {
	return (
		<table class="matrix">
			<caption class="hidden-text">Priority by impact and urgency</caption>
			<thead>
				<tr><th scope="col"><span class="axis">Impact ↓ Urgency →</span></th>{matrix.urgencies.map((u) => <th key={u} scope="col">{sentenceCase(u)}</th>)}</tr>
			</thead>
			<tbody>
				{matrix.impacts.map((impact, row) => (
					<tr key={impact}>
						<th scope="row">{sentenceCase(impact)}</th>
						{matrix.urgencies.map((urgency, column) => {
							const priority = matrix.cells[row]![column]!
							const on = here?.[0] === row && here[1] === column
							const classes = `cell ${priority.toLowerCase()}${on ? ' here' : ''}`
							return (
								<td key={urgency}>
									{onPick
										? <button type="button" class={classes} aria-pressed={on} aria-label={`${impact} impact, ${urgency} urgency: ${priority}`} onClick={() => onPick(impact, urgency, priority)}>{priority}</button>
										: <span class={classes}>{priority}{on && <span class="hidden-text"> (this one)</span>}</span>}
								</td>
							)
						})}
					</tr>
				))}
			</tbody>
		</table>
	)
}
