// On the page Now: reports that nobody has looked at.
import { useData } from '../../api/data'
import { plural } from '../../lib/words'
import { Notice } from '../../ui/Notice'

export function ReportsWaiting() {
	const inbox = useData('report_inbox', {}, ['report', 'incident']).data
	if (!inbox) return null
	const surges = inbox.surges.filter((surge) => surge.incident === null)
	const see = <a class="button small" href="/reports">See</a>
	return (
		<>
			{inbox.new > 0 && <Notice tone="warn" what={plural(inbox.new, 'report of people waits', 'reports of people wait')} action={see}>
				{surges.length > 0 ? `Several at once about ${surges.map((surge) => surge.service).join(', ')}.` : 'Nobody has looked at them yet.'}
			</Notice>}
		</>
	)
}
