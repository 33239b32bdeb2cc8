// Who is on call now, the next four weeks, the gaps, the overrides, the policies, and how I am reached.
import { useEffect, useMemo, useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import { useData } from '../../api/data'
import type { Definition, Override, Schedule } from '../../api/contract'
import { serverNow } from '../../lib/clock'
import { may } from '../../lib/may'
import { addDays, durationText, startOfDay, toServer } from '../../lib/time'
import { listText, plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Empty } from '../../ui/Empty'
import { Loaded } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Page } from '../../ui/Page'
import { Person } from '../../ui/Person'
import { Skeleton } from '../../ui/Skeleton'
import { Shape } from '../../ui/State'
import { Time } from '../../ui/Time'
import { Contacts } from '../settings/Contacts'
import { Lanes } from './Lanes'
import { TakeIt } from './TakeIt'

const rooms = ['schedule', 'override', 'oncall', 'definition', 'resource', 'user']
const WEEKS = 4

function useNarrow(): boolean {
	const media = useMemo(() => matchMedia('(max-width: 700px)'), [])
	const [narrow, setNarrow] = useState(media.matches)
	useEffect(() => {
		const change = () => setNarrow(media.matches)
		media.addEventListener('change', change)
		return () => media.removeEventListener('change', change)
	}, [])
	return narrow
}

function Overrides({ items, refetch }: { items: readonly Override[], refetch: () => unknown }) {
	if (items.length === 0) return null
	return (
		<ul class="rows small overrides">
			{items.map((o) => (
				<li key={o.id} class="row">
					<span class="grow row tight"><Person user={o.user} /> takes it <Time at={o.from} only="clock" /> to <Time at={o.until} only="clock" />{o.replaces && <span class="quiet">for {o.replaces.name}</span>}{o.reason && <span class="quiet">· {o.reason}</span>}</span>
					{may('respond') && <Button size="small" kind="plain" onClick={() => attempt(async () => { await call('override_delete', { id: o.id }); await refetch() }, 'The override has ended')}>End</Button>}
				</li>
			))}
		</ul>
	)
}

function Roster({ schedule, narrow, refetch }: { schedule: Schedule, narrow: boolean, refetch: () => Promise<void> }) {
	const from = startOfDay(serverNow())
	const span = { from: toServer(from), to: toServer(addDays(from, WEEKS * 7)) }
	const shifts = useData('schedule_shifts', { name: schedule.name, ...span }, rooms)
	const overrides = useData('override_list', { name: schedule.name }, rooms)
	const [take, setTake] = useState(false)
	const again = () => Promise.all([refetch(), shifts.refetch(), overrides.refetch()])
	const gap = schedule.next_gap
	return (
		<section class="card schedule">
			<header>
				<h2>{schedule.name} <span class="quiet small">{schedule.time_zone}</span></h2>
				<a class="button small plain" href={`/api/v1/schedules/${schedule.name}/calendar.ics`} download={`${schedule.name}.ics`}>Calendar</a>
				{may('manage') && <a class="button small plain" href={`/definitions/Schedule/${schedule.name}/edit`}>Edit</a>}
				{may('respond') && <Button size="small" onClick={() => setTake(true)}>I take it</Button>}
			</header>
			<div class="stack">
				<div class="who-now">
					{schedule.current.length > 0
						? <>{schedule.current.map((u) => <strong key={u.id}><Person user={u} large /></strong>)}<span class="soft">{schedule.until && <>until <Time at={schedule.until} /></>}{schedule.next.length > 0 && <>, then {listText(schedule.next.map((u) => u.name))}</>}</span></>
						: <span class="state s-down"><Shape name="down" />Nobody is on call now{schedule.until && <>, until <Time at={schedule.until} /></>}</span>}
				</div>
				{gap && <Notice tone="bad" what={<>Nobody is on call from <Time at={gap.from} only="clock" /> for {durationText(Date.parse(gap.to) - Date.parse(gap.from))}</>} action={may('respond') && <Button size="small" onClick={() => setTake(true)}>Take it</Button>}>A page in that time goes to the next step at once.</Notice>}
				<Loaded of={shifts} skeleton={<Skeleton lines={2} height={34} />}>{(data) => <Lanes data={data} narrow={narrow} />}</Loaded>
				{overrides.data && <Overrides items={overrides.data.items} refetch={again} />}
			</div>
			{take && <TakeIt schedule={schedule} onClose={() => setTake(false)} onDone={again} />}
		</section>
	)
}

interface PolicyStep { delay?: string, targets?: { schedule?: string, user?: string, team?: string }[] }

function Policy({ definition }: { definition: Definition }) {
	const steps = (definition.spec['steps'] ?? []) as PolicyStep[]
	const name = definition.metadata.name
	return (
		<li class="row">
			<div class="grow">
				<strong>{name}</strong>
				<div class="small soft">{steps.map((step, i) => <span key={i}>{i > 0 && <span class="quiet"> → after {steps[i - 1]!.delay} → </span>}{listText((step.targets ?? []).map((t) => t.schedule ?? t.user ?? t.team ?? '?'))}</span>)}<span class="quiet"> · {plural(Number(definition.spec['rounds'] ?? 3), 'round')}</span></div>
			</div>
			{may('manage') && <a class="button small" href={`/definitions/EscalationPolicy/${name}/edit`}>Edit</a>}
		</li>
	)
}

function Policies() {
	const list = useData('definition_list', { kind: 'EscalationPolicy', limit: 200 }, rooms)
	return (
		<section class="card">
			<header><h2>Escalation policies</h2>{may('manage') && <a class="small" href="/definitions/EscalationPolicy/new/edit">Add one</a>}</header>
			<Loaded of={list} skeleton={<Skeleton lines={2} />}>
				{(data) => (data.items.length > 0 ? <ul class="rows">{data.items.map((d) => <Policy key={d.metadata.name} definition={d} />)}</ul> : <p class="small soft">None. Without a policy an incident pages nobody.</p>)}
			</Loaded>
		</section>
	)
}

export default function OnCall() {
	const schedules = useData('schedule_list', {}, rooms)
	const narrow = useNarrow()
	return (
		<Page title="On-call" actions={may('manage') && <a class="button" href="/definitions/Schedule/new/edit">Add a schedule</a>}>
			<div class="stack wide">
				<Loaded of={schedules} skeleton={<Skeleton lines={4} height={60} />}>
					{(data) => (data.items.length > 0
						? <>{data.items.map((s) => <Roster key={s.name} schedule={s} narrow={narrow} refetch={schedules.refetch} />)}</>
						: <div class="card"><Empty icon="oncall" title="No schedule yet" action={may('manage') && <a class="button primary" href="/definitions/Schedule/new/edit">Make one</a>}>A schedule says who is paged when. Watching something on this host makes one with you on call.</Empty></div>)}
				</Loaded>
				<div class="columns even">
					<section class="card"><header><h2>How I am reached</h2></header><Contacts /></section>
					<Policies />
				</div>
			</div>
		</Page>
	)
}
