// The page around the editor, for every kind that has no page of its own.
import type { Kind } from '../../api/contract'
import { may } from '../../lib/may'
import { ProblemFace } from '../../ui/Loaded'
import { Page } from '../../ui/Page'
import { Editor } from './Editor'

interface Place { word: string, list: string, text: string, page: (name: string) => string }

const places: Record<Kind, Place> = {
	Service: { word: 'service', list: '/services', text: 'Services', page: (name) => `/services/${name}` },
	Check: { word: 'check', list: '/checks', text: 'Checks', page: (name) => `/checks/${name}` },
	Schedule: { word: 'schedule', list: '/on-call', text: 'On-call', page: () => '/on-call' },
	EscalationPolicy: { word: 'escalation policy', list: '/on-call', text: 'On-call', page: () => '/on-call' },
	Team: { word: 'team', list: '/settings/teams', text: 'Teams', page: () => '/settings/teams' },
	ReportRule: { word: 'rule for reports', list: '/reports', text: 'Reports', page: () => '/reports' },
	PriorityMatrix: { word: 'priority matrix', list: '/settings/matrix', text: 'Priority matrix', page: () => '/settings/matrix' },
	UpdateCadence: { word: 'update cadence', list: '/status-pages', text: 'Status pages', page: () => '/status-pages' },
	UpdateTemplate: { word: 'update template', list: '/status-pages', text: 'Status pages', page: () => '/status-pages' },
	StatusPage: { word: 'status page', list: '/status-pages', text: 'Status pages', page: () => '/status-pages' },
	ReviewPolicy: { word: 'review policy', list: '/reviews', text: 'Reviews', page: () => '/reviews' },
}

export function forbidden() {
	return <ProblemFace problem={{ type: 'about:blank', title: 'Forbidden', status: 403, request_id: '', detail: 'Definitions are changed with the role manager or admin.' }} />
}

export default function DefinitionEdit({ params }: { params: Record<string, string> }) {
	const kind = (params['kind'] ?? 'Service') as Kind
	const where = places[kind]
	if (!where) return <Page title="Definition"><ProblemFace problem={{ type: 'about:blank', title: 'Not found', status: 404, request_id: '', detail: `There is no kind "${kind}".` }} /></Page>
	const name = params['name'] === 'new' ? undefined : params['name']
	return (
		<Page title={name ? `Edit ${name}` : `New ${where.word}`} crumb={{ href: where.list, text: where.text }}>
			{may('manage') ? <Editor key={`${kind}/${name}`} kind={kind} name={name} after={where.page} back={name ? where.page(name) : where.list} /> : forbidden()}
		</Page>
	)
}
