// A made-up installation for developing the pages: a small shop with a bad night. Deterministic but for the clock, and
// it changes when it is acted upon. It is never part of what is shipped.

const SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR

export const iso = (ms) => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')

function chance(seed) {
	let state = seed >>> 0
	return () => {
		state = (Math.imul(state, 1664525) + 1013904223) >>> 0
		return state / 2 ** 32
	}
}

const people = [
	[1, 'Ada Lovelace', 'ada@shop.example', 'admin', ['platform']],
	[2, 'Bo Nilsson', 'bo@shop.example', 'responder', ['platform']],
	[3, 'Chidi Okafor', 'chidi@shop.example', 'responder', ['payments']],
	[4, 'Dana Kovač', 'dana@shop.example', 'manager', ['payments']],
	[5, 'Eve Aoki', 'eve@shop.example', 'viewer', []],
]

const ref = (id) => { const p = people.find(([i]) => i === id); return { id: p[0], name: p[1] } }

function users(now) {
	return people.map(([id, name, email, role, teams]) => ({
		id, name, email, role, teams, time_zone: id === 1 ? 'Europe/Stockholm' : null, disabled: false, has_password: id !== 5,
		created_at: iso(now - 90 * DAY), last_seen_at: id === 5 ? null : iso(now - id * 17 * MINUTE), revision: 3,
	}))
}

const serviceRows = [
	['shop', 'Web shop', 'The storefront that customers see.', 1, 'platform', 'high', true, ['checkout', 'catalog', 'cdn']],
	['checkout', 'Checkout', 'Carts, orders and payment.', 1, 'payments', 'high', true, ['postgres', 'payment-gateway']],
	['catalog', 'Product catalogue', 'Products, prices, stock.', 2, 'platform', 'medium', true, ['postgres', 'search']],
	['search', 'Search', null, 3, 'platform', 'medium', true, []],
	['postgres', 'PostgreSQL', 'The primary database of the shop.', 1, 'platform', 'high', false, []],
	['payment-gateway', 'Payment gateway', 'A third party; status.pay.example.', 1, 'payments', 'high', true, []],
	['cdn', 'CDN', null, 2, null, 'medium', true, []],
	['mail', 'Mail relay', 'Order confirmations.', 3, 'platform', 'low', false, []],
	['reports', 'Nightly reports', null, 4, null, 'low', false, ['postgres']],
]

const checkRows = [
	['shop-front', 'Shop front page', 'http', 'https://shop.example/', 'shop', 'up', 142],
	['shop-tls', 'Shop certificate', 'tls', 'shop.example:443', 'shop', 'degraded', 38],
	['checkout-api', 'Checkout API', 'http', 'https://shop.example/api/checkout/health', 'checkout', 'down', null],
	['checkout-worker', 'Order worker', 'tcp', '10.2.0.14:7070', 'checkout', 'up', 3],
	['catalog-api', 'Catalogue API', 'http', 'https://shop.example/api/catalog/health', 'catalog', 'up', 61],
	['search-http', 'Search', 'http', 'http://10.2.0.21:9200/_cluster/health', 'search', 'degraded', 2310],
	['postgres-tcp', 'PostgreSQL port', 'tcp', '10.2.0.5:5432', 'postgres', 'up', 1],
	['payment-ping', 'Payment gateway ping', 'http', 'https://api.pay.example/ping', 'payment-gateway', 'up', 210],
	['cdn-edge', 'CDN edge', 'http', 'https://cdn.shop.example/ok.txt', 'cdn', 'up', 24],
	['mail-smtp', 'Mail relay port', 'tcp', '10.2.0.9:25', 'mail', 'paused', null],
	['reports-http', 'Report runner', 'http', 'http://10.2.0.40:8080/healthz', 'reports', 'unknown', null],
	['shop-search-page', 'Search results page with a long name that has to be cut somewhere', 'http', 'https://shop.example/search?q=a-rather-long-query-that-goes-on&sort=relevance', 'shop', 'up', 388],
]

const reasons = {
	down: 'the answer was 503 Service Unavailable, wanted 200-399',
	degraded: 'answered in 2.31 s, slower than the warning at 2 s',
	'shop-tls': 'the certificate ends in 9 days, warning at 21 days',
}

function bars(now, name, state, seed) {
	const random = chance(seed)
	const today = Math.floor(now / DAY) * DAY
	const length = name === 'reports-http' ? 0 : name === 'search-http' ? 40 : 90
	return Array.from({ length }, (_, i) => {
		const total = 2880
		const down = random() < 0.06 ? Math.floor(random() * 300) : i === length - 1 && state === 'down' ? 44 : 0
		const slow = random() < 0.04 ? Math.floor(random() * 400) : 0
		return { start: iso(today - (length - 1 - i) * DAY), up: total - down - slow, down, total }
	})
}

function uptime(list, days) {
	const part = list.slice(-days)
	const total = part.reduce((n, b) => n + b.total, 0)
	return total ? Math.round(1e4 * (1 - part.reduce((n, b) => n + b.down, 0) / total) * 100) / 1e4 : null
}

function checks(now) {
	return checkRows.map(([name, display, kind, target, service, state, latency], i) => {
		const days = bars(now, name, state, 77 + i * 31)
		return {
			name, display, kind, target, service, state,
			since: state === 'unknown' ? null : iso(now - (state === 'down' ? 14 * MINUTE : state === 'degraded' ? 5 * HOUR : (i + 2) * 3 * DAY)),
			last_at: state === 'unknown' || state === 'paused' ? null : iso(now - (4 + i) * SECOND), last_latency_ms: latency,
			last_reason: reasons[name] ?? reasons[state] ?? null, muted_until: name === 'cdn-edge' ? iso(now + 3 * HOUR) : null,
			uptime: { day: uptime(days, 1), week: uptime(days, 7), month: uptime(days, 30) }, bars: days,
		}
	})
}

const matrix = {
	name: 'default', impacts: ['high', 'medium', 'low'], urgencies: ['high', 'medium', 'low'],
	cells: [['P1', 'P2', 'P3'], ['P2', 'P3', 'P4'], ['P3', 'P4', 'P5']],
}

function alert(now, id, check, service, state, ageMs, incident, summary) {
	return {
		id, name: check, state, severity: 'critical', source: 'check', check, service, summary, generator_url: null, runbook_url: null, labels: { check, service }, annotations: { summary }, started_at: iso(now - ageMs - MINUTE),
		fired_at: iso(now - ageMs), resolved_at: state === 'resolved' ? iso(now - ageMs / 3) : null, incident,
	}
}

function incident(now, id, title, priority, state, service, ageMs, more = {}) {
	const row = { P1: [0, 0], P2: [0, 1], P3: [1, 1], P4: [1, 2], P5: [2, 2] }[priority]
	const [impact, urgency] = [matrix.impacts[row[0]], matrix.urgencies[row[1]]]
	const by = state === 'open' ? null : ref(more.by ?? 2)
	return {
		id, title, state, priority, impact, urgency, service, team: more.team ?? 'platform', opened_at: iso(now - ageMs),
		acknowledged_at: by ? iso(now - ageMs + 3 * MINUTE) : null, acknowledged_by: by, ack_until: state === 'acknowledged' ? iso(now + 21 * MINUTE) : null,
		resolved_at: state === 'resolved' ? iso(now - ageMs + 48 * MINUTE) : null, assignee: by, alerts_firing: state === 'resolved' ? 0 : more.firing ?? 1,
		next_page_at: state === 'open' ? iso(now + 3 * MINUTE + 20 * SECOND) : null, visibility: more.visibility ?? 'everyone',
	}
}

function incidents(now) {
	return [
		incident(now, 47, 'Checkout answers 503: customers cannot pay', 'P1', 'open', 'checkout', 14 * MINUTE, { firing: 2, team: 'payments' }),
		incident(now, 46, 'Search is slow for everyone', 'P3', 'acknowledged', 'search', 5 * HOUR, { by: 1 }),
		incident(now, 45, 'Certificate of shop.example ends in 9 days', 'P4', 'acknowledged', 'shop', 26 * HOUR, { by: 2 }),
		...Array.from({ length: 14 }, (_, i) => incident(now, 44 - i,
			['Mail relay refused connections', 'Catalogue API timed out after the deploy of the price import', 'PostgreSQL ran out of connections', 'CDN edge answered 522 in Frankfurt'][i % 4],
			['P2', 'P3', 'P1', 'P4', 'P5'][i % 5], 'resolved', ['mail', 'catalog', 'postgres', 'cdn'][i % 4], (2 + i * 3.3) * DAY, { by: 2 + (i % 3), visibility: i === 3 ? 'team' : 'everyone' })),
	]
}

function timeline(now, row) {
	const at = Date.parse(row.opened_at)
	const item = (seq, ms, actor, kind, text, details = {}, more = {}) => ({ seq: row.id * 100 + seq, at: iso(at + ms), recorded_at: iso(at + ms), actor, kind, text, details, ...more })
	const list = [
		item(1, -75 * SECOND, null, 'check.down', 'The check Checkout API went down: the answer was 503 Service Unavailable, wanted 200-399.', { check: 'checkout-api', failures: 2 }),
		item(2, -15 * SECOND, null, 'alert.fired', 'The alert checkout-api fires after 1 minute.', { alert: 812 }),
		item(3, 0, null, 'incident.opened', `Opened as ${row.priority}: impact ${row.impact}, urgency ${row.urgency}.`, { priority: row.priority }),
		item(4, 300, null, 'escalation.started', 'Escalation began with the policy payments, round 1 of 3.'),
		item(5, 900, null, 'page.queued', 'Bo Nilsson is paged by ntfy and e-mail.', { user: 2 }),
		item(6, 1900, null, 'page.delivered', 'ntfy accepted the page for Bo Nilsson.', { page: 901, duration_ms: 412 }),
		item(7, 2600, null, 'page.failed', 'The e-mail to Bo Nilsson was refused: 450 4.7.1 try again later.', { page: 902 }),
		item(8, 5 * MINUTE, null, 'escalation.step', 'Nobody answered in 5 minutes: the second step is paged.', { step: 2 }, { late_us: 2_300_000 }),
		item(9, 9 * MINUTE, ref(4), 'incident.note', 'Payment provider reports nothing. Our own pods restart every 40 s; the last deploy was at 02:51.\nRolling back now.'),
	]
	if (row.state !== 'open') list.push(item(10, 3 * MINUTE, row.acknowledged_by, 'incident.acknowledged', `${row.acknowledged_by.name} is on it.`))
	if (row.state === 'resolved') list.push(item(11, 48 * MINUTE, row.acknowledged_by, 'incident.resolved', 'Resolved: rolled back to the version before.'))
	return list.sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}

function page(now, id, incidentId, user, channel, state, ageMs, attempts) {
	return {
		id, incident: incidentId, user: ref(user), contact: id % 7, channel, state, created_at: iso(now - ageMs),
		text: 'P1 Checkout answers 503: customers cannot pay, since 03:12\nService checkout (tier 1, customers). 2 alerts fire.\nAcknowledge: https://mainstay.shop.example/l/x7Qm2', attempts,
	}
}

function pages(now) {
	const a = (ageMs, state, detail, duration_ms) => ({ at: iso(now - ageMs), state, detail, duration_ms })
	return [
		page(now, 904, 47, 4, 'ntfy', 'delivered', 9 * MINUTE, [a(9 * MINUTE, 'sent', 'HTTP 200, priority 5', 388), a(9 * MINUTE - 400, 'delivered', 'message id 8fK2', 388)]),
		page(now, 903, 47, 4, 'browser', 'delivered', 9 * MINUTE, [a(9 * MINUTE, 'delivered', 'shown in Firefox on Linux', 92)]),
		page(now, 902, 47, 2, 'email', 'failed', 14 * MINUTE, [a(14 * MINUTE, 'sending', '450 4.7.1 try again later', 2210), a(13 * MINUTE, 'sending', '450 4.7.1 try again later', 2180), a(11 * MINUTE, 'failed', '554 5.7.1 relay access denied', 2060)]),
		page(now, 901, 47, 2, 'ntfy', 'delivered', 14 * MINUTE, [a(14 * MINUTE, 'delivered', 'HTTP 200, priority 5', 412)]),
	]
}

export function schedulesOf(now) {
	return [
		{ name: 'platform-primary', time_zone: 'Europe/Stockholm', turn: [1, 2, 3], every: 7 * DAY, gap: null },
		{ name: 'payments', time_zone: 'Europe/London', turn: [4, 3], every: 3.5 * DAY, gap: [now + 9 * DAY, now + 9 * DAY + 14 * HOUR] },
	]
}

export function shiftsOf(schedule, from, to, overrides, now) {
	const anchor = Math.floor(now / (7 * DAY)) * 7 * DAY - 3 * DAY + 8 * HOUR
	let cuts = []
	for (let t = anchor - 14 * DAY, i = 0; t < to; t += schedule.every, i++) cuts.push({ from: t, to: t + schedule.every, users: [ref(schedule.turn[i % schedule.turn.length])], layer: 'base', override: null })
	const cover = (list, begin, end, make) => list.flatMap((s) => {
		if (s.to <= begin || s.from >= end) return [s]
		return [{ ...s, to: begin }, { ...s, from: Math.max(begin, s.from), to: Math.min(end, s.to), ...make }, { ...s, from: end }].filter((p) => p.to > p.from)
	})
	for (const o of overrides.filter((o) => o.schedule === schedule.name)) cuts = cover(cuts, Date.parse(o.from), Date.parse(o.until), { users: [o.user], layer: null, override: o.id })
	if (schedule.gap) cuts = cover(cuts, ...schedule.gap, { users: [] })
	const inside = cuts.filter((s) => s.to > from && s.from < to).map((s) => ({ ...s, from: Math.max(s.from, from), to: Math.min(s.to, to) }))
	return {
		segments: inside.filter((s) => s.users.length).map((s) => ({ ...s, from: iso(s.from), to: iso(s.to) })),
		gaps: inside.filter((s) => !s.users.length).map((s) => ({ from: iso(s.from), to: iso(s.to) })),
	}
}

const f = (name, type, about, more = {}) => ({ name, type, about, required: false, default: null, ...more })

export const kinds = [
	{
		kind: 'Check', about: 'Asks a service every few seconds whether it works.', fields: [
			f('kind', 'enum', 'What is asked.', { required: true, default: 'http', values: ['http', 'tcp', 'tls'] }),
			f('display', 'text', 'How people call it.'),
			f('url', 'url', 'The address that is fetched.', { required: true, when: { field: 'kind', values: ['http'] } }),
			f('host', 'host', 'Name or address.', { required: true, when: { field: 'kind', values: ['tcp', 'tls'] } }),
			f('port', 'port', 'The port.', { required: true, when: { field: 'kind', values: ['tcp', 'tls'] } }),
			f('service', 'name', 'The service that is down when this is.'),
			f('interval', 'duration', 'How often.', { default: '30s', min: '5s', max: '1d' }),
			f('timeout', 'duration', 'When no answer is a failure.', { default: '5s', min: '100ms', max: '60s' }),
			f('fail_after', 'int', 'Failures in a row before it is down.', { default: '2', min: '1', max: '20' }),
			f('recover_after', 'int', 'Successes in a row before it is up.', { default: '2', min: '1', max: '20' }),
			f('for', 'duration', 'How long it must be down before it counts.', { default: '0s' }),
			f('urgency', 'enum', 'How pressing its incidents are.', { default: 'high', values: ['high', 'low'] }),
			f('latency_warn', 'duration', 'Slower than this is degraded.'),
			f('expect', 'object', 'What a good answer is.', { when: { field: 'kind', values: ['http'] }, fields: [
				f('status', 'text', 'Statuses and ranges.', { default: '200-399' }), f('body_contains', 'text', 'Text that must be in the answer.'), f('body_not_contains', 'text', 'Text that must not.'),
			] }),
			f('warn_days', 'int', 'Days left of the certificate when it is degraded.', { default: '21', unit: 'days', when: { field: 'kind', values: ['tls', 'http'] } }),
			f('paused', 'bool', 'Do not run it.', { default: 'false' }),
		],
	},
	{
		kind: 'Service', about: 'What people depend on.', fields: [
			f('display', 'text', 'How people call it.'), f('about', 'text', 'What it is for, in a sentence.'), f('tier', 'int', '1 is what the business stands on.', { required: true, default: '3', min: '1', max: '4' }),
			f('team', 'name', 'Who owns it.'), f('impact', 'enum', 'How bad it is when it is down.', { default: 'medium', values: ['high', 'medium', 'low'] }), f('customers', 'bool', 'Customers see it.', { default: 'false' }),
			f('depends_on', 'list', 'The services it needs.', { item: 'name' }), f('escalation_policy', 'name', 'Who is paged, in which order.'),
			f('links', 'list', 'Where to look.', { item: 'object', fields: [f('title', 'text', 'What it is.', { required: true }), f('url', 'url', 'Where.', { required: true })] }),
		],
	},
	{
		kind: 'Schedule', about: 'Who is on call when.', fields: [
			f('time_zone', 'zone', 'Hand-over follows this clock.', { required: true }),
			f('layers', 'list', 'A higher priority replaces a lower one.', { required: true, item: 'object', fields: [
				f('name', 'text', 'As people call it.'), f('priority', 'int', 'Higher replaces lower.', { default: '0' }),
				f('rotation', 'object', 'How long a turn is.', { required: true, fields: [f('every', 'int', 'So many.', { default: '1' }), f('unit', 'enum', 'Of these.', { required: true, default: 'week', values: ['hour', 'day', 'week', 'month'] })] }),
				f('start', 'date', 'The first day of the first person.', { required: true }), f('hand_over', 'clock', 'When the turn changes.', { default: '09:00' }),
				f('users', 'list', 'E-mails, in turn.', { required: true, item: 'text' }),
			] }),
		],
	},
	{
		kind: 'EscalationPolicy', about: 'Who is paged, in which order.', fields: [
			f('team', 'name', 'Paged as a whole at the last resort.'), f('rounds', 'int', 'How often the steps are gone through.', { default: '3', min: '1', max: '9' }),
			f('steps', 'list', 'In order.', { required: true, item: 'object', fields: [
				f('delay', 'duration', 'How long to wait for an answer.', { default: '5m' }),
				f('targets', 'list', 'Who.', { required: true, item: 'object', fields: [f('schedule', 'name', 'Who is on call there.'), f('user', 'text', 'Or one person, by e-mail.'), f('team', 'name', 'Or a whole team.')] }),
			] }),
		],
	},
	{ kind: 'Team', about: 'People who own services together.', fields: [f('display', 'text', 'As people call it.'), f('members', 'list', 'E-mails.', { item: 'text' }), f('manager', 'text', 'Whom to ask.')] },
	{ kind: 'PriorityMatrix', about: 'Priority by impact and urgency.', fields: [] },
]

function definitions(now) {
	const make = (kind, name, spec, manager = 'people') => ({ apiVersion: 'mainstay/v1', kind, metadata: { name, manager, revision: 4, updated_at: iso(now - 3 * DAY), updated_by: ref(1) }, spec })
	return [
		...serviceRows.map(([name, display, about, tier, team, impact, customers, depends_on]) => make('Service', name, {
			display, ...(about ? { about } : {}), tier, ...(team ? { team } : {}), impact, customers, depends_on, ...(tier < 3 ? { escalation_policy: team ?? 'platform' } : {}),
			...(name === 'checkout' ? { links: [{ title: 'Dashboard', url: 'https://grafana.shop.example/d/checkout' }, { title: 'Runbook', url: 'https://wiki.shop.example/checkout' }] } : {}),
		}, name === 'postgres' ? 'infra' : 'people')),
		...checkRows.map(([name, display, kind, target, service]) => {
			const [host, port] = target.split(':')
			return make('Check', name, kind === 'http' ? { kind, display, url: target, service, interval: '30s', expect: { status: '200-399' } } : { kind, display, host, port: Number(port), service, interval: '30s' }, name === 'postgres-tcp' ? 'infra' : 'people')
		}),
		...schedulesOf(now).map((s) => make('Schedule', s.name, { time_zone: s.time_zone, layers: [{ name: 'base', priority: 0, rotation: { every: 1, unit: 'week' }, start: '2026-11-02', hand_over: '09:00', users: s.turn.map((id) => people[id - 1][2]) }] })),
		make('EscalationPolicy', 'platform', { rounds: 3, steps: [{ delay: '5m', targets: [{ schedule: 'platform-primary' }] }, { delay: '10m', targets: [{ team: 'platform' }] }] }),
		make('EscalationPolicy', 'payments', { team: 'payments', rounds: 3, steps: [{ delay: '5m', targets: [{ schedule: 'payments' }] }, { delay: '5m', targets: [{ user: 'dana@shop.example' }, { schedule: 'platform-primary' }] }, { delay: '10m', targets: [{ team: 'payments' }] }] }),
		make('Team', 'platform', { display: 'Platform', members: ['ada@shop.example', 'bo@shop.example'], manager: 'ada@shop.example' }),
		make('Team', 'payments', { display: 'Payments', members: ['chidi@shop.example', 'dana@shop.example'] }),
		make('PriorityMatrix', 'default', { cells: matrix.cells }),
	]
}

/** The whole made-up installation; `scenario` busy, calm or first-run. */
export function makeWorld(scenario, now) {
	const first = scenario === 'first-run'
	const calm = scenario === 'calm'
	const world = {
		scenario, seq: 48_210, nextId: 2000, users: users(now), matrix, kinds,
		services: first ? [] : serviceRows, checks: first ? [] : checks(now), incidents: first ? [] : incidents(now), pages: first ? [] : pages(now), definitions: first ? definitions(now).filter((d) => d.kind === 'PriorityMatrix') : definitions(now),
		schedules: first ? [] : schedulesOf(now), overrides: [], tokens: [], notes: new Map(),
		mutes: first ? [] : [{ id: 12, kind: 'check', name: 'cdn-edge', from: iso(now - HOUR), until: iso(now + 3 * HOUR), reason: 'The provider moves the edge, ticket 4711', by: ref(2) }],
		contacts: first ? [] : [
			{ id: 1, channel: 'ntfy', address: { topic: 'ada-k7Qm2x' }, label: 'My phone', order: 1, delay: '0s', urgency: 'all', verified: true, last_result: { at: iso(now - 2 * DAY), state: 'delivered', detail: 'HTTP 200' } },
			{ id: 2, channel: 'browser', address: {}, label: '', order: 2, delay: '0s', urgency: 'all', verified: true, last_result: { at: iso(now - 3 * HOUR), state: 'delivered', detail: 'shown' } },
			{ id: 3, channel: 'email', address: { to: 'ada@shop.example' }, label: '', order: 3, delay: '2m', urgency: 'high', verified: false, last_result: null },
		],
		notifications: { smtp: { host: 'mail.shop.example', port: 587, security: 'starttls', user: 'mainstay', password_set: true, from: 'mainstay@shop.example' }, ntfy: { server: 'https://ntfy.shop.example', token_set: false }, commands: ['wall-display'] },
	}
	if (!first) world.overrides.push({ id: 31, schedule: 'platform-primary', user: ref(3), from: iso(now + 2 * DAY), until: iso(now + 2 * DAY + 20 * HOUR), replaces: null, reason: 'swapped with Bo', by: ref(2), created_at: iso(now - DAY) })
	if (!first) world.tokens.push({ id: 5, name: 'Deploy pipeline', scopes: ['read', 'act'], created_at: iso(now - 40 * DAY), expires_at: iso(now + 50 * DAY), last_used_at: iso(now - 2 * HOUR) })
	if (calm) {
		world.incidents = world.incidents.filter((i) => i.state === 'resolved')
		for (const check of world.checks) Object.assign(check, { state: 'up', last_reason: null, since: iso(now - 9 * DAY), last_at: iso(now - 8 * SECOND), last_latency_ms: check.last_latency_ms ?? 12 })
	}
	return world
}

export { alert, incident, page, people, ref, timeline }
