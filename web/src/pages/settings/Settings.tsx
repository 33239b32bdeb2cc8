// Settings: one section an address, so that each can be linked.
import type { ComponentType } from 'preact'
import { session } from '../../api/client'
import { may, type Permission } from '../../lib/may'
import { ProblemFace } from '../../ui/Loaded'
import { Page } from '../../ui/Page'
import { Appearance } from './Appearance'
import { Channels, InForce } from './Channels'
import { Contacts } from './Contacts'
import { MatrixEditor } from './MatrixEditor'
import { Profile } from './Profile'
import { Secrets } from './Secrets'
import { Subscribers } from './Subscribers'
import { Teams } from './Teams'
import { Tokens } from './Tokens'
import { Users } from './Users'
import { WaysIn } from './WaysIn'

function MyContacts() {
	return <section class="card"><header><h2>How I am reached</h2></header><Contacts /></section>
}

const sections: readonly [key: string, text: string, face: ComponentType, needs: Permission][] = [
	['profile', 'Profile', Profile, 'read'],
	['contacts', 'Contacts', MyContacts, 'read'],
	['appearance', 'Appearance', Appearance, 'read'],
	['tokens', 'API tokens', Tokens, 'read'],
	['people', 'People', Users, 'read'],
	['teams', 'Teams', Teams, 'read'],
	['matrix', 'Priority matrix', MatrixEditor, 'read'],
	['subscribers', 'Subscribers', Subscribers, 'manage'],
	['ways-in', 'Ways in', WaysIn, 'manage'],
	['secrets', 'Secrets', Secrets, 'manage'],
	['channels', 'Notification channels', Channels, 'admin'],
	['server', 'Server', InForce, 'admin'],
]

export default function Settings({ params }: { params: Record<string, string> }) {
	const key = params['section'] ?? 'profile'
	const section = sections.find(([k]) => k === key)
	const { server } = session.value!
	const Face = section?.[2]
	return (
		<Page title="Settings" name={section ? `${section[1]}, Settings` : 'Settings'}>
			<div class="settings">
				<nav aria-label="Sections">
					<ul>{sections.filter(([, , , needs]) => may(needs)).map(([k, text]) => <li key={k}><a href={`/settings/${k}`} aria-current={k === key ? 'page' : undefined}>{text}</a></li>)}</ul>
					<p class="small quiet">Mainstay {server.version}<br /><a href="/api/v1/openapi.yaml" target="_blank">The HTTP API</a></p>
				</nav>
				<div>
					{!Face && <ProblemFace problem={{ type: 'about:blank', title: 'Not found', status: 404, request_id: '', detail: `There is no section "${key}".` }} />}
					{Face && (may(section[3]) ? <Face /> : <ProblemFace problem={{ type: 'about:blank', title: 'Forbidden', status: 403, request_id: '', detail: section[3] === 'manage' ? 'This section is for managers.' : 'This section is for administrators.' }} />)}
				</div>
			</div>
		</Page>
	)
}
