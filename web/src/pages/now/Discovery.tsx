// What listens on this host, and one click that watches it. Asked for by the first run and by "Add a check".
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import { useData } from '../../api/data'
import type { Discovery as Found } from '../../api/contract'
import { may } from '../../lib/may'
import { plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Empty } from '../../ui/Empty'
import { Loaded } from '../../ui/Loaded'
import { Skeleton } from '../../ui/Skeleton'
import { Shape } from '../../ui/State'

type Item = Found['items'][number]

function keyOf(item: Item): string { return `${item.address}:${item.port}` }

function hostPort(item: Item): string { return item.address.includes(':') ? `[${item.address}]:${item.port}` : keyOf(item) }

function Row({ item, chosen, choose }: { item: Item, chosen: boolean, choose: (on: boolean) => void }) {
	const name = item.guess ?? item.process ?? 'something'
	return (
		<li>
			<label class="found">
				{item.watched ? <span class="state s-up"><Shape name="up" />Watched</span> : <input type="checkbox" checked={chosen} onChange={(e) => choose((e.target as HTMLInputElement).checked)} />}
				<span class="grow">
					<strong>{name}</strong> <span class="tag">{item.protocol}</span>
					<span class="small quiet"> {item.process && item.process !== item.guess ? `${item.process} ` : ''}{item.pid !== null ? `(process ${item.pid})` : ''}</span>
					<span class="small soft block">{plural(item.suggested.checks.length, 'check')} for the service <code>{item.suggested.service}</code></span>
				</span>
				<span class="num quiet">{hostPort(item)}</span>
			</label>
		</li>
	)
}

function Choose({ found, onWatched }: { found: Found, onWatched: () => unknown }) {
	const open = found.items.filter((item) => !item.watched)
	const [without, setWithout] = useState<ReadonlySet<string>>(new Set())
	const chosen = open.filter((item) => !without.has(keyOf(item)))
	const toggle = (item: Item, on: boolean) => {
		const next = new Set(without)
		if (on) next.delete(keyOf(item))
		else next.add(keyOf(item))
		setWithout(next)
	}
	const watch = () => attempt(async () => {
		const made = await call('discovery_watch', {}, { items: chosen.map(({ address, port }) => ({ address, port })) })
		await onWatched()
		return made
	}, `${plural(chosen.length, 'service')} watched from now on; you are on call`)
	if (found.items.length === 0) {
		return <Empty small title="Nothing listens on this host" action={<a class="button" href="/checks/new/edit">Add a check by hand</a>}>That is so in a container of its own. Give the address of something elsewhere.</Empty>
	}
	return (
		<div class="stack">
			<ul class="rows">{found.items.map((item) => <Row key={keyOf(item)} item={item} chosen={!without.has(keyOf(item))} choose={(on) => toggle(item, on)} />)}</ul>
			<div class="actions">
				<Button kind="primary" size="large" icon="checks" disabled={chosen.length === 0} onClick={watch}>{open.length === 0 ? 'All are watched' : `Watch ${chosen.length === open.length ? (chosen.length === 1 ? 'it' : `all ${chosen.length}`) : chosen.length}`}</Button>
				<a class="button plain" href="/checks/new/edit">Something elsewhere</a>
			</div>
			<p class="small quiet">Makes a service and its checks for each. If there is no schedule yet, one is made with you on call, and an escalation policy that pages you.</p>
		</div>
	)
}

export function Discovery({ first, onWatched }: { first?: boolean, onWatched: () => unknown }) {
	const allowed = may('manage')
	return (
		<section class="card offer">
			<header><h2>{first ? 'This runs on this host. Shall it be watched?' : 'What runs on this host'}</h2></header>
			{allowed ? <Listening onWatched={onWatched} /> : <Empty small title="Nothing is watched yet">Somebody with the role manager can start the watch.</Empty>}
		</section>
	)
}

function Listening({ onWatched }: { onWatched: () => unknown }) {
	const found = useData('discovery_get', {}, ['definition', 'check', 'resource'])
	return (
		<Loaded of={found} skeleton={<Skeleton lines={4} height={40} />}>
			{(data) => <Choose found={data} onWatched={async () => { await found.refetch(); await onWatched() }} />}
		</Loaded>
	)
}
