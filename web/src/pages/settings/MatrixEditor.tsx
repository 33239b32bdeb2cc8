// The team's own priority matrix: press a cell to step it from P1 to P5 and round again.
import { useState } from 'preact/hooks'
import { callWithEtag, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { Definition, Level, Priority, PriorityWhy, Problem } from '../../api/contract'
import { may } from '../../lib/may'
import { say } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { Loaded, ProblemFace } from '../../ui/Loaded'
import { Matrix } from '../../ui/Matrix'

type Cells = Priority[][]
const order: readonly Priority[] = ['P1', 'P2', 'P3', 'P4', 'P5']

const levels: Level[] = ['high', 'medium', 'low']
/** What the server uses while none is defined; the one it looks for is named "default". */
const usual: Cells = [['P1', 'P2', 'P3'], ['P2', 'P3', 'P4'], ['P3', 'P4', 'P5']]

/** A row or column that grows more pressing away from "high" is surely a slip. */
export function oddCells(cells: Cells): boolean {
	const rank = (p: Priority) => order.indexOf(p)
	return cells.some((row, r) => row.some((cell, c) =>
		(c > 0 && rank(cell) < rank(row[c - 1]!)) || (r > 0 && rank(cell) < rank(cells[r - 1]![c]!))))
}

function EditOne({ definition, refetch }: { definition: Definition | undefined, refetch: () => unknown }) {
	const name = definition?.metadata.name ?? 'default'
	const before = definition ? (definition.spec as { cells: Cells }).cells : usual
	const [cells, setCells] = useState<Cells>(before)
	const [problem, setProblem] = useState<Problem>()
	const matrix: PriorityWhy['matrix'] = { name, impacts: levels, urgencies: levels, cells }
	const step = (impact: Level, urgency: Level, priority: Priority) => {
		const next = order[(order.indexOf(priority) + 1) % order.length]!
		const [row, column] = [levels.indexOf(impact), levels.indexOf(urgency)]
		setCells(cells.map((line, r) => line.map((cell, c) => (r === row && c === column ? next : cell))))
	}
	const changed = JSON.stringify(cells) !== JSON.stringify(before)
	const save = async () => {
		setProblem(undefined)
		try {
			await callWithEtag('definition_put', { kind: 'PriorityMatrix', name }, { spec: { cells } }, definition ? { ifMatch: `"${definition.metadata.revision}"` } : {})
			say('The matrix is saved; open incidents keep their priority')
			await refetch()
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<div class="stack">
			{problem && <ProblemFace problem={problem} />}
			<Matrix matrix={matrix} {...(may('manage') ? { onPick: step } : {})} />
			{oddCells(cells) && <p class="small s-degraded">A cell is more pressing than one with higher impact or urgency. Is that meant?</p>}
			{may('manage') && <div class="actions"><Button kind="primary" disabled={!changed} onClick={save}>Save</Button><Button kind="plain" disabled={!changed} onClick={() => setCells(before)}>As it was</Button></div>}
		</div>
	)
}

export function MatrixEditor() {
	const list = useData('definition_list', { kind: 'PriorityMatrix', limit: 200 }, ['definition', 'resource'])
	return (
		<section class="card">
			<header><h2>Priority matrix</h2></header>
			<div class="stack">
				<p class="small soft">Priority is impact by urgency. Impact comes from the service, urgency from the check; an incident always shows its cell and why. {may('manage') && 'Press a cell to change it.'}</p>
				<Loaded of={list}>
					{(data) => (data.items.length === 0 ? <><p class="small quiet">None is defined here: this is the usual one.</p><EditOne definition={undefined} refetch={list.refetch} /></>
						: <>{data.items.map((d) => <div key={`${d.metadata.name}/${d.metadata.revision}`} class="stack">{data.items.length > 1 && <h3>{d.metadata.name}</h3>}<EditOne definition={d} refetch={list.refetch} /></div>)}</>)}
				</Loaded>
			</div>
		</section>
	)
}
