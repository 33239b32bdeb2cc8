import { useEffect, useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { CheckRow, CheckState } from '../../api/contract'
import { useKeys } from '../../lib/keys'
import { may } from '../../lib/may'
import { go, place } from '../../lib/route'
import { complain } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { CsvButton } from '../../ui/CsvButton'
import { Empty } from '../../ui/Empty'
import { Search, Segments } from '../../ui/Filters'
import { Loaded } from '../../ui/Loaded'
import { Page } from '../../ui/Page'
import { CheckTable, sortChecks } from './CheckTable'

const filters = [['', 'All'], ['bad', 'Not well'], ['up', 'Up'], ['muted', 'Muted'], ['paused', 'Paused']] as const

function paramsOf(filter: string): { state?: CheckState[], muted?: boolean } {
	if (filter === 'bad') return { state: ['down', 'degraded', 'unknown'] }
	if (filter === 'muted') return { muted: true }
	return filter ? { state: [filter as CheckState] } : {}
}

export default function Checks() {
	const { query } = place.value
	const [filter, q, service, sort] = [query.get('state') ?? '', query.get('q') ?? '', query.get('service') ?? '', query.get('sort') ?? 'state']
	const params = { ...paramsOf(filter), bars: true, limit: 100, ...(q ? { q } : {}), ...(service ? { service } : {}) }
	const list = useData('check_list', params, ['check', 'mute', 'definition', 'resource'])
	const [rest, setRest] = useState<{ rows: CheckRow[], next: string | null }>()
	const key = `${filter}|${q}|${service}`
	useEffect(() => setRest(undefined), [key])
	const rows = sortChecks([...list.data?.items ?? [], ...rest?.rows ?? []], sort)
	const next = rest ? rest.next : list.data?.next ?? null
	const more = async () => {
		try {
			const page = await call('check_list', { ...params, cursor: next! })
			setRest({ rows: [...rest?.rows ?? [], ...page.items], next: page.next })
		} catch (error) { complain(problemFrom(error)) }
	}
	useKeys([{ keys: 'c', about: 'Add a check', run: () => may('manage') && go('/checks/new/edit') }])
	// A state that only a link from Now names (down, degraded, unknown) is shown as it is.
	const options = filters.some(([k]) => k === filter) ? filters : [...filters, [filter, filter] as const]
	return (
		<Page title="Checks" actions={may('manage') && <><CsvButton id="check_list" params={{ ...params, bars: false }} name="checks" /><a class="button" href="/discovery">Find on this host</a><a class="button primary" href="/checks/new/edit">Add a check</a></>}>
			<div class="filters">
				<Segments name="state" label="State" value={filter} options={options} />
				<Search key={`${filter}|${service}`} value={q} label="Name, address or service" />
				{service && <a class="button small" href="/checks">Service {service} ✕</a>}
			</div>
			<Loaded of={list}>
				{() => (rows.length > 0
					? <div class="card flush"><CheckTable rows={rows} sort={sort} />{next && <div class="more"><Button onClick={more}>More</Button></div>}</div>
					: filter || q || service
						? <Empty icon="search" title="No check fits" action={<a class="button" href="/checks">Show all</a>}>Take a word or a filter away.</Empty>
						: <Empty icon="checks" title="Nothing is watched yet" action={may('manage') && <><a class="button primary" href="/discovery">See what runs on this host</a><a class="button" href="/checks/new/edit">Add a check by hand</a></>}>A check asks a service every few seconds whether it works, and opens an incident when it does not.</Empty>)}
			</Loaded>
		</Page>
	)
}
