// How notifications leave this installation, and every setting in force with where it comes from.
import { useState } from 'preact/hooks'
import { call, problemFrom } from '../../api/client'
import { useData } from '../../api/data'
import type { Notifications, NotificationsChange, Problem, Settings } from '../../api/contract'
import { say } from '../../lib/toast'
import { Button } from '../../ui/Button'
import { Field, Select, Text, Tick } from '../../ui/Field'
import { Loaded, ProblemFace } from '../../ui/Loaded'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'

type Backup = NonNullable<Settings['backup']>

type Smtp = NonNullable<NotificationsChange['smtp']>

function Form({ now, onSaved }: { now: Notifications, onSaved: () => unknown }) {
	const [mail, setMail] = useState(now.smtp !== null)
	const [smtp, setSmtp] = useState<Smtp>({ host: now.smtp?.host ?? '', port: now.smtp?.port ?? 587, security: now.smtp?.security ?? 'starttls', user: now.smtp?.user ?? '', from: now.smtp?.from ?? '' })
	const [password, setPassword] = useState('')
	const [server, setServer] = useState(now.ntfy?.server ?? '')
	const [token, setToken] = useState('')
	const [problem, setProblem] = useState<Problem>()
	const bad = (field: string) => problem?.errors?.find((e) => e.field === field)?.detail
	const save = async (event: Event) => {
		event.preventDefault()
		setProblem(undefined)
		try {
			await call('settings_notifications', {}, {
				smtp: mail ? { ...smtp, user: smtp.user || null, ...(password ? { password } : {}) } : null,
				ntfy: server ? { server, ...(token ? { token } : {}) } : null,
			})
			setPassword('')
			setToken('')
			say('Saved; send yourself a test page to be sure')
			await onSaved()
		} catch (error) { setProblem(problemFrom(error)) }
	}
	return (
		<form class="stack" onSubmit={save}>
			{problem && <ProblemFace problem={problem} />}
			<section class="card">
				<header><h2>E-mail</h2><Tick checked={mail} onInput={setMail}>send by SMTP</Tick></header>
				{mail && (
					<div class="form two">
						<Field label="Server" error={bad('smtp.host')}><Text value={smtp.host ?? ''} onInput={(host) => setSmtp({ ...smtp, host })} placeholder="mail.example.org" /></Field>
						<Field label="Port" error={bad('smtp.port')}><Text type="number" value={String(smtp.port)} onInput={(port) => setSmtp({ ...smtp, port: Number(port) })} /></Field>
						<Field label="Protection"><Select value={smtp.security ?? 'starttls'} onInput={(s) => setSmtp({ ...smtp, security: s as Smtp['security'] })} options={[['starttls', 'STARTTLS'], ['tls', 'TLS'], ['none', 'none']]} /></Field>
						<Field label="From" error={bad('smtp.from')}><Text type="email" value={smtp.from ?? ''} onInput={(from) => setSmtp({ ...smtp, from })} placeholder="mainstay@example.org" /></Field>
						<Field label="User" optional><Text value={smtp.user ?? ''} onInput={(user) => setSmtp({ ...smtp, user })} autocomplete="off" /></Field>
						<Field label="Password" optional about={now.smtp?.password_set ? 'One is set; leave empty to keep it.' : undefined}><Text type="password" value={password} onInput={setPassword} autocomplete="off" /></Field>
					</div>
				)}
			</section>
			<section class="card">
				<header><h2>ntfy</h2></header>
				<div class="form two">
					<Field label="Server" optional error={bad('ntfy.server')} about="Each person chooses a topic."><Text type="url" value={server} onInput={setServer} placeholder="https://ntfy.example.org" /></Field>
					<Field label="Access token" optional about={now.ntfy?.token_set ? 'One is set; leave empty to keep it.' : undefined}><Text type="password" value={token} onInput={setToken} autocomplete="off" /></Field>
				</div>
			</section>
			<section class="card"><header><h2>Commands</h2></header><p class="small soft">{now.commands.length > 0 ? now.commands.join(', ') : 'None. Commands are named when the server is started, never here.'}</p></section>
			<div class="actions"><Button kind="primary" type="submit">Save</Button></div>
		</form>
	)
}

export function Channels() {
	const settings = useData('settings_get', {}, ['settings'])
	return <Loaded of={settings}>{(data) => <Form key={JSON.stringify(data.notifications)} now={data.notifications} onSaved={settings.refetch} />}</Loaded>
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`

function LastBackup({ of }: { of: Backup | null }) {
	if (!of) return <p>None was ever made. On the machine: <code class="mono">mainstay backup --to FILE --data DIR</code></p>
	return <p><Time at={of.made} /> · {megabytes(of.bytes)} · <span class="mono">{of.name}</span> · {of.secrets ? 'with secrets, sealed by a passphrase' : 'without secrets'}</p>
}

type Servers = NonNullable<Settings['servers']>

/** Several servers on one database: who leads, and whether the others are still seen. */
function Servers({ of }: { of: Servers }) {
	return (
		<section class="card flush">
			<header><h2>Servers on this database</h2><span class="small soft">epoch {of.epoch}</span></header>
			<Wide of="Servers"><table class="table">
				<thead><tr><th>Server</th><th>Seen</th><th class="num">Checks it looks at</th></tr></thead>
				<tbody>{of.items.map((s) => (
					<tr key={s.name}>
						<td><span class="mono">{s.name}</span> {s.leads && <span class="tag">leads</span>}<div class="quiet mono">{s.url ?? 'not reached by the others'}</div></td>
						<td><Time at={s.seen_at} only="relative" /></td>
						<td class="num">{s.checks}</td>
					</tr>
				))}</tbody>
			</table></Wide>
		</section>
	)
}

export function InForce() {
	const settings = useData('settings_get', {}, ['settings', 'backup'])
	return (
		<div class="stack">
		<section class="card">
			<header><h2>Last backup</h2></header>
			<Loaded of={settings}>{(data) => <LastBackup of={data.backup} />}</Loaded>
		</section>
		{settings.data?.servers && <Servers of={settings.data.servers} />}
		<section class="card flush">
			<header><h2>Settings in force</h2></header>
			<Loaded of={settings}>
				{(data) => (
					<Wide of="Settings"><table class="table">
						<thead><tr><th>Setting</th><th>Value</th><th>From</th></tr></thead>
						<tbody>{data.items.map((s) => <tr key={s.name}><td><span class="mono">{s.name}</span><div class="quiet">{s.about}</div></td><td class="mono">{s.value ?? <span class="quiet">not set</span>}</td><td><span class="tag">{s.source}</span></td></tr>)}</tbody>
					</table></Wide>
				)}
			</Loaded>
		</section>
		</div>
	)
}
