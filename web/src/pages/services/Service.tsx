// One service: its checks, its incidents, what it stands on and what stands on it, who is on call for it.
import { useState } from 'preact/hooks'
import { useData } from '../../api/data'
import type { IncidentRow, Service as Data, ServiceRef } from '../../api/contract'
import { useKeys } from '../../lib/keys'
import { may } from '../../lib/may'
import { go } from '../../lib/route'
import { sentenceCase } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Empty } from '../../ui/Empty'
import { Loaded } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Page } from '../../ui/Page'
import { Skeleton } from '../../ui/Skeleton'
import { CheckBadge, IncidentBadge, PriorityBadge } from '../../ui/State'
import { Time } from '../../ui/Time'
import { CheckTable, sortChecks } from '../checks/CheckTable'
import { MuteDialog } from '../checks/Mute'
import { OnCallRows } from '../oncall/OnCallRows'

const rooms = ['check', 'incident', 'mute', 'alert', 'definition', 'resource', 'override', 'oncall', 'schedule']

function Refs({ title, refs, none }: { title: string, refs: readonly ServiceRef[], none: string }) {
	return (
		<div class="stack tight">
			<h3 class="quiet">{title}</h3>
			{refs.length === 0 && <p class="small soft">{none}</p>}
			<ul class="stack tight">{refs.map((ref) => <li key={ref.name} class="row"><span class="grow"><a href={`/services/${ref.name}`}>{ref.display}</a></span><CheckBadge state={ref.state} /></li>)}</ul>
		</div>
	)
}

function IncidentRows({ rows }: { rows: readonly IncidentRow[] }) {
	if (rows.length === 0) return <Empty small title="No incident so far" />
	return (
		<ul class="rows">
			{rows.map((row) => (
				<li key={row.id} class="row nowrap">
					<PriorityBadge priority={row.priority} />
					<div class="grow"><a class="clip block" href={`/incidents/${row.id}`}>{row.title}</a><div class="small quiet"><Time at={row.opened_at} /></div></div>
					<IncidentBadge state={row.state} />
				</li>
			))}
		</ul>
	)
}

function Body({ service }: { service: Data }) {
	const links = (service.spec['links'] ?? []) as { title: string, url: string }[]
	return (
		<div class="columns">
			<div class="stack wide">
				{service.muted_until && <Notice tone="info" what={<>Muted until <Time at={service.muted_until} /></>}>Its checks run and are recorded, but page nobody.</Notice>}
				<section class="section">
					<header><h2>Checks</h2>{may('manage') && <a class="small" href={`/checks/new/edit?service=${service.name}`}>Add a check</a>}</header>
					{service.check_rows.length > 0
						? <div class="card flush"><CheckTable rows={sortChecks(service.check_rows, 'state')} /></div>
						: <div class="card"><Empty small title="Nothing checks it">It could be down now and nobody would know.</Empty></div>}
				</section>
				<section class="section"><header><h2>Incidents</h2></header><div class="card"><IncidentRows rows={service.incidents} /></div></section>
			</div>
			<aside class="stack" aria-label="About, dependencies, on call">
				<section class="card">
					<header><h2>About</h2></header>
					<div class="stack">
						{service.about && <p class="small">{service.about}</p>}
						<dl class="facts">
							<dt>Tier</dt><dd>{service.tier}</dd><dt>Impact</dt><dd>{sentenceCase(service.impact)}{service.customers && ', customers see it'}</dd>
							<dt>Team</dt><dd>{service.team ?? 'none'}</dd><dt>Managed by</dt><dd>{service.manager}</dd>
						</dl>
						{links.length > 0 && <ul class="small links">{links.map((l) => <li key={l.url}><a href={l.url} target="_blank" rel="noopener noreferrer">{l.title}</a></li>)}</ul>}
					</div>
				</section>
				<section class="card"><header><h2>On call for it</h2></header>
					{service.on_call.length > 0 ? <OnCallRows rows={service.on_call} /> : <p class="small soft">It has no escalation policy of its own, so the one of the installation is used.</p>}
				</section>
				<section class="card"><header><h2>Dependencies</h2></header>
					<div class="stack"><Refs title="It needs" refs={service.depends_on} none="Nothing is declared." /><Refs title="It is needed by" refs={service.dependants} none="Nothing names it." /></div>
				</section>
			</aside>
		</div>
	)
}

export default function Service({ params }: { params: Record<string, string> }) {
	const name = params['name']!
	const data = useData('service_get', { name }, rooms)
	const [mute, setMute] = useState(false)
	useKeys([
		{ keys: 'm', about: 'Mute the service', run: () => may('respond') && setMute(true) },
		{ keys: 'e', about: 'Edit the service', run: () => may('manage') && go(`/services/${name}/edit`) },
	], [name])
	const service = data.data
	return (
		<Page title={service?.display ?? name} crumb={{ href: '/services', text: 'Services' }} sub={service && <CheckBadge state={service.state} pill />}
			actions={service && <>{may('respond') && <Button icon="mute" onClick={() => setMute(true)}>Mute</Button>}{may('manage') && <a class="button" href={`/services/${name}/edit`}>Edit</a>}</>}>
			<Loaded of={data} skeleton={<Skeleton lines={6} height={60} />}>{(now) => <Body service={now} />}</Loaded>
			{mute && service && <MuteDialog kind="service" name={name} what={service.display} onClose={() => setMute(false)} onDone={data.refetch} />}
		</Page>
	)
}
