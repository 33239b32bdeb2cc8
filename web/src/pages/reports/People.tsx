// On the page of an incident: who reported it, and for how many it is fixed.
import { useData } from '../../api/data'
import { Button } from '../../ui/Button'
import { Notice } from '../../ui/Notice'
import { plural } from '../../lib/words'
import { useState } from 'preact/hooks'
import { ReportCard } from './ReportCard'

const SHOWN = 3

export function People({ incident }: { incident: number }) {
	const people = useData('incident_people', { id: incident }, ['report', 'incident']).data
	const [all, setAll] = useState(false)
	if (!people || people.people === 0) return null
	const rows = all ? people.items : people.items.slice(0, SHOWN)
	return (
		<section class="card">
			<header><h2>Reported by people</h2></header>
			<div class="stack">
				<p><strong>{plural(people.people, 'person', 'people')} reported this.</strong>{people.fixed > 0 && <> For {people.fixed} it is fixed.</>}</p>
				{people.not_fixed > 0 && <Notice tone="warn" what={`${plural(people.not_fixed, 'person says', 'people say')} that it is not fixed`}>Reopen the incident if they are right.</Notice>}
				<ul class="rows">{rows.map((report) => <ReportCard key={report.id} report={report} brief />)}</ul>
				{people.items.length > SHOWN && !all && <Button size="small" onClick={() => setAll(true)}>Show all</Button>}
			</div>
		</section>
	)
}
