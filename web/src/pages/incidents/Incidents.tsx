// The list of incidents: filters in the address, keys to walk it, pages by cursor.
import { useEffect, useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { IncidentRow, IncidentState, Priority } from '../../api/contract'
import { complain } from '../../lib/toast'
import { useKeys } from '../../lib/keys'
import { may } from '../../lib/may'
import { go, place } from '../../lib/route'
import { Button } from '../../ui/Button'
import { CsvButton } from '../../ui/CsvButton'
import { Empty } from '../../ui/Empty'
import { Select } from '../../ui/Field'
import { Search, Segments } from '../../ui/Filters'
import { Loaded } from '../../ui/Loaded'
import { Page } from '../../ui/Page'
import { Person } from '../../ui/Person'
import { IncidentBadge, PriorityBadge } from '../../ui/State'
import { Time } from '../../ui/Time'
import { durationText } from '../../lib/time'
import { setQuery } from '../../lib/route'
import { acknowledge } from './acknowledge'
import { Declare } from './Declare'

const stateFilters: Record<string, IncidentState[]> = { live: ['open', 'acknowledged'], open: ['open'], resolved: ['resolved'], all: [] }

function lasted(row: IncidentRow): string {
	return row.resolved_at ? durationText(Date.parse(row.resolved_at) - Date.parse(row.opened_at)) : ''
}

function Row({ row, selected, show }: { row: IncidentRow, selected: boolean, show: (change: (row: IncidentRow) => IncidentRow) => void }) {
	return (
		<tr aria-selected={selected} data-row={row.id}>
			<td class="tight"><PriorityBadge priority={row.priority} /></td>
			<td class="what">
				<a class="title" href={`/incidents/${row.id}`}>{row.title}</a>
				<div class="quiet">#{row.id}{row.service && <> · <a href={`/services/${row.service}`}>{row.service}</a></>}{row.visibility !== 'everyone' && <> · <span class="tag">{row.visibility}</span></>}</div>
			</td>
			<td><IncidentBadge state={row.state} /></td>
			<td class="who">{row.acknowledged_by ? <Person user={row.acknowledged_by} /> : <span class="quiet">nobody</span>}</td>
			<td><Time at={row.opened_at} />{row.resolved_at && <div class="quiet">for {lasted(row)}</div>}</td>
			<td class="right">{row.state === 'open' && may('respond') && <Button size="small" kind="primary" onClick={() => acknowledge(row, show)}>Acknowledge</Button>}</td>
		</tr>
	)
}

function nothing(filter: string, filtered: boolean) {
	if (filtered) return <Empty icon="search" title="No incident fits" action={<a class="button" href="/incidents?state=all">Show all</a>}>Take a word or a filter away.</Empty>
	if (filter === 'live' || filter === 'open') return <Empty icon="check" title="Nothing is open" action={<a class="button" href="/incidents?state=all">Look at past ones</a>}>Checks that stay down open an incident by themselves; you can declare one by hand.</Empty>
	return <Empty icon="incidents" title="No incident yet">What happened is kept here for ever, with its whole timeline.</Empty>
}

export default function Incidents() {
	const query = place.value.query
	const filter = stateFilters[query.get('state') ?? 'live'] ? query.get('state') ?? 'live' : 'live'
	const priority = query.get('priority') ?? ''
	const q = query.get('q') ?? ''
	const params = { state: stateFilters[filter], priority: priority ? [priority as Priority] : undefined, q: q || undefined }
	const list = useData('incident_list', params as never, ['incident', 'escalation', 'alert'])
	const [older, setOlder] = useState<{ rows: IncidentRow[], next: string | null }>()
	const [at, setAt] = useState(-1)
	const [declare, setDeclare] = useState(query.has('declare'))
	const key = `${filter}|${priority}|${q}`
	useEffect(() => { setOlder(undefined); setAt(-1) }, [key])
	const rows = [...list.data?.items ?? [], ...older?.rows ?? []]
	const next = older ? older.next : list.data?.next ?? null
	const show = (id: number) => (change: (row: IncidentRow) => IncidentRow) =>
		list.mutate((data) => ({ ...data, items: data.items.map((row) => (row.id === id ? change(row) : row)) }))
	const more = async () => {
		try {
			const page = await call('incident_list', { ...params, cursor: next! } as never)
			setOlder({ rows: [...older?.rows ?? [], ...page.items], next: page.next })
		} catch (error) { complain(problemFrom(error)) }
	}
	const walk = (step: number) => {
		const to = Math.max(0, Math.min(rows.length - 1, at < 0 ? 0 : at + step))
		setAt(to)
		document.querySelector(`[data-row="${rows[to]?.id}"]`)?.scrollIntoView({ block: 'nearest' })
	}
	const here = rows[at]
	useKeys([
		{ keys: 'j', about: 'Next incident', run: () => walk(1) },
		{ keys: 'k', about: 'Previous incident', run: () => walk(-1) },
		{ keys: 'Enter', about: 'Open the marked incident', run: () => here && go(`/incidents/${here.id}`) },
		{ keys: 'a', about: 'Acknowledge the marked incident', run: () => here?.state === 'open' && may('respond') && acknowledge(here, show(here.id)) },
		{ keys: 'd', about: 'Declare an incident', run: () => may('respond') && setDeclare(true) },
	], [at, rows.length, here?.state, key])
	return (
		<Page title="Incidents" actions={<><CsvButton id="incident_list" params={params as never} name="incidents" />{may('respond') && <Button icon="plus" onClick={() => setDeclare(true)}>Declare</Button>}</>}>
			<div class="filters">
				<Segments name="state" label="State" value={filter} options={[['live', 'Not resolved'], ['open', 'Waiting'], ['resolved', 'Resolved'], ['all', 'All']]} />
				<div class="narrow"><Select label="Priority" value={priority} onInput={(p) => setQuery({ priority: p })} options={[['', 'Any priority'], ['P1', 'P1'], ['P2', 'P2'], ['P3', 'P3'], ['P4', 'P4'], ['P5', 'P5']]} /></div>
				<Search key={key.split('|')[0]} value={q} label="Words in the title" />
			</div>
			<Loaded of={list}>
				{() => (rows.length === 0 ? nothing(filter, q !== '' || priority !== '') : (
					<div class="card flush" aria-live="polite">
						<table class="table incidents">
							<thead><tr><th><span class="hidden-text">Priority</span></th><th>Incident</th><th>State</th><th>Who has it</th><th>Opened</th><th><span class="hidden-text">Act</span></th></tr></thead>
							<tbody>{rows.map((row, i) => <Row key={row.id} row={row} selected={i === at} show={show(row.id)} />)}</tbody>
						</table>
						{next && <div class="more"><Button onClick={more}>Older ones</Button></div>}
					</div>
				))}
			</Loaded>
			{declare && <Declare onClose={() => setDeclare(false)} />}
		</Page>
	)
}
