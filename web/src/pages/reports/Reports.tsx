// The inbox of what people outside say: new ones first, what many say at once above, what was not taken named.
import { useEffect, useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import type { Report, ReportInbox, ReportState } from '../../api/contract'
import { useData } from '../../api/data'
import { may } from '../../lib/may'
import { place } from '../../lib/route'
import { complain } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { Empty } from '../../ui/Empty'
import { Segments } from '../../ui/Filters'
import { Loaded } from '../../ui/Loaded'
import { Notice } from '../../ui/Notice'
import { Page } from '../../ui/Page'
import { Skeleton } from '../../ui/Skeleton'
import { Time } from '../../ui/Time'
import { ReportCard } from './ReportCard'

export const reportRooms = ['report', 'incident'] as const
const filters: Record<string, ReportState[]> = { new: ['new'], done: ['accepted', 'joined', 'duplicate', 'answered', 'rejected'], all: [] }

/** What the inbox has to say besides its rows. */
export function InboxNotices({ inbox }: { inbox: ReportInbox }) {
	const surges = inbox.surges.filter((surge) => surge.incident === null)
	return (
		<>
			{surges.map((surge) => <Notice key={surge.service} tone="warn" what={<>{surge.count} people reported <a href={`/services/${surge.service}`}>{surge.service}</a> at once</>}>If it is one problem, open an incident from one report and count the others to it. <Time at={surge.at} /></Notice>)}
			{inbox.dropped.map((drop) => <Notice key={`${drop.hour}${drop.reason}${drop.service}`} tone="warn" what={<>{drop.count} {drop.count === 1 ? 'report was' : 'reports were'} not taken{drop.service && <> about {drop.service}</>}</>}>{drop.reason === 'full' ? `More than ${inbox.new_max} waited here.` : 'They came too fast.'} The last one: <Time at={drop.last} /></Notice>)}
		</>
	)
}

function nothing(filter: string) {
	if (filter === 'new') return <Empty icon="check" title="Nothing waits" action={<a class="button" href="/reports?state=all">Look at past ones</a>}>What people send by the form <a href="/report" target="_blank">/report</a> comes here, and is weighed by the priority matrix.</Empty>
	return <Empty icon="note" title="No report yet">People outside write by the form <a href="/report" target="_blank">/report</a>. Put its address where they look first.</Empty>
}

export default function Reports() {
	const asked = place.value.query.get('state') ?? 'new'
	const filter = filters[asked] ? asked : 'new'
	const params = { state: filters[filter] }
	const list = useData('report_list', params as never, reportRooms)
	const inbox = useData('report_inbox', {}, reportRooms)
	const [older, setOlder] = useState<{ rows: Report[], next: string | null }>()
	useEffect(() => setOlder(undefined), [filter])
	const next = older ? older.next : list.data?.next ?? null
	const more = async () => {
		try {
			const page = await call('report_list', { ...params, cursor: next! } as never)
			setOlder({ rows: [...older?.rows ?? [], ...page.items], next: page.next })
		} catch (error) { complain(problemFrom(error)) }
	}
	return (
		<Page title="Reports" sub="What people outside say is wrong" actions={<>
			{may('manage') && <a class="button" href="/definitions/ReportRule/default/edit">The rule</a>}
			<a class="button" href="/report" target="_blank">The form</a>
		</>}>
			<div class="stack">
				<div class="row"><Segments name="state" value={filter} label="Which reports" options={[['new', 'New'], ['done', 'Done'], ['all', 'All']]} /></div>
				{inbox.data && filter === 'new' && <InboxNotices inbox={inbox.data} />}
				<Loaded of={list} skeleton={<Skeleton lines={6} height={64} />}>
					{(data) => data.items.length === 0 ? nothing(filter) : (
						<ul class="stack" aria-label="Reports">{[...data.items, ...older?.rows ?? []].map((report) => <ReportCard key={report.id} report={report} />)}</ul>
					)}
				</Loaded>
				{next && <div class="more"><Button onClick={more}>Older ones</Button></div>}
			</div>
		</Page>
	)
}
