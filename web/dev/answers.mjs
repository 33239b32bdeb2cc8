// What the fixture server answers, one function an operation. Acts change the world and tell the stream.
import { alert, incident, iso, ref, schedulesOf, shiftsOf, timeline } from './world.mjs'

const MINUTE = 60_000, HOUR = 60 * MINUTE, DAY = 24 * HOUR
const me = 1

export function problem(status, detail, hint, errors) {
	return { type: 'about:blank', title: status === 404 ? 'Not found' : status === 403 ? 'Forbidden' : 'Refused', status, detail, ...(hint ? { hint } : {}), ...(errors ? { errors } : {}), request_id: 'f1x7ure' }
}

function fail(status, detail, hint, errors) {
	throw Object.assign(new Error(detail), { problem: problem(status, detail, hint, errors) })
}

/** Lines that wave; `sum(` alone is refused as Prometheus refuses it, `none` has no series. */
function queryAnswer(query) {
	const [text, start, end, step] = [query.get('query'), ...['start', 'end', 'step'].map((name) => Number(query.get(name)))]
	if (text === 'sum(') return { status: 400, body: { status: 'error', errorType: 'bad_data', error: 'invalid parameter "query": 1:5: parse error: unexpected end of input' } }
	const names = text === 'none' ? [] : ['checkout-1:9100', 'checkout-2:9100', 'front-1:9100']
	const result = names.map((instance, n) => ({
		metric: { __name__: 'node_load1', instance, job: 'node' },
		values: Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, i) => [start + i * step, (1.5 + n + Math.sin((i + n * 9) / 15) + 0.1 * Math.sin(i * (n + 2))).toFixed(3)]),
	}))
	return { body: { status: 'success', data: { resultType: 'matrix', result } } }
}

const list = (items, next = null) => ({ body: { items, next } })
const find = (rows, key, value, what) => rows.find((row) => String(row[key]) === String(value)) ?? fail(404, `There is no ${what} "${value}".`, 'It may have been renamed or deleted.')
const without = (row, ...keys) => Object.fromEntries(Object.entries(row).filter(([key]) => !keys.includes(key)))
const worst = ['down', 'degraded', 'unknown', 'up', 'paused']

function onCall(world, now) {
	return world.schedules.map((s) => {
		const shifts = shiftsOf(s, now - DAY, now + 28 * DAY, world.overrides, now).segments
		const at = shifts.findIndex((p) => Date.parse(p.from) <= now && Date.parse(p.to) > now)
		return { schedule: s.name, user: shifts[at]?.users[0] ?? null, until: shifts[at]?.to ?? null, next: shifts[at + 1]?.users[0] ?? null }
	})
}

function serviceRow(world, [name, display, about, tier, team, impact, customers]) {
	const checks = world.checks.filter((c) => c.service === name)
	const bad = checks.filter((c) => c.state === 'down' || c.state === 'degraded').length
	const open = world.incidents.filter((i) => i.service === name && i.state !== 'resolved')
	const state = worst.find((w) => w !== 'paused' && checks.some((c) => c.state === w)) ?? 'unknown'
	return { name, display, about, tier, team, impact, customers, state, checks: checks.length, checks_bad: bad, incidents_open: open.length, worst_priority: open.map((i) => i.priority).sort()[0] ?? null, muted_until: null }
}

function fullIncident(world, row, now) {
	const cell = [world.matrix.impacts.indexOf(row.impact), world.matrix.urgencies.indexOf(row.urgency)]
	const age = now - Date.parse(row.opened_at)
	return {
		...row, updates_due: { public: null, internal: null }, opened_by: null, resolve_reason: row.state === 'resolved' ? 'rolled back to the version before' : null,
		why: { impact: row.impact, impact_reason: `the service ${row.service ?? 'none'} is tier 1 and customers use it`, urgency: row.urgency, urgency_reason: 'the check says high and it is down, not slow', cell, matrix: world.matrix },
		alerts: row.service ? [alert(now, 812, 'checkout-api', row.service, row.state === 'resolved' ? 'resolved' : 'firing', age, row.id, 'The answer was 503 Service Unavailable.'),
			alert(now, 813, 'checkout-worker', row.service, row.state === 'resolved' ? 'resolved' : 'recovering', age / 2, row.id, 'Connection refused.')] : [],
		escalation: {
			state: row.state === 'open' ? 'running' : row.state === 'acknowledged' ? 'waiting' : 'stopped', policy: 'payments', round: 1, rounds: 3, step: 2, last_resort: false, next_at: row.next_page_at,
			steps: [
				{ delay: '5m', targets: [{ kind: 'schedule', name: 'payments', users: [ref(3)] }] },
				{ delay: '5m', targets: [{ kind: 'user', name: 'dana@shop.example', users: [ref(4)] }, { kind: 'schedule', name: 'platform-primary', users: [ref(1)] }] },
				{ delay: '10m', targets: [{ kind: 'team', name: 'payments', users: [ref(3), ref(4)] }] },
			],
		},
		pages: world.pages.filter((p) => p.incident === row.id),
	}
}

function series(world, check, query, now) {
	const [from, to] = [Date.parse(query.get('from') ?? iso(now - DAY)), Date.parse(query.get('to') ?? iso(now))]
	const step = to - from <= DAY ? 'minute' : to - from <= 31 * DAY ? 'hour' : 'day'
	const size = { minute: MINUTE, hour: HOUR, day: DAY }[step] * (step === 'minute' ? 1 : 1)
	const base = check.last_latency_ms ?? 120
	const points = []
	for (let t = from, i = 0; t < to; t += size, i++) {
		const wave = 1 + 0.25 * Math.sin(i / 40) + 0.12 * Math.sin(i * 1.7) + (i % 97 === 0 ? 1.6 : 0)
		const down = check.state === 'down' && t > now - 14 * MINUTE
		const avg = down ? null : Math.round(base * wave * 10) / 10
		points.push({ at: iso(t), count: 2, ok: down ? 0 : 2, latency_min: avg && avg * 0.8, latency_avg: avg, latency_max: avg && avg * 1.35 })
	}
	return { from: iso(from), to: iso(to), step, points: points.slice(-2000) }
}

function result(check, now) {
	const down = check.state === 'down'
	const ms = check.last_latency_ms ?? 3.1
	return {
		at: iso(now), state: down ? 'down' : check.state === 'degraded' ? 'degraded' : 'up', latency_ms: down ? null : ms, reason: down ? 'the answer was 503 Service Unavailable, wanted 200-399' : `answered 200 OK in ${Math.round(ms)} ms`,
		status: check.kind === 'http' ? (down ? 503 : 200) : null, address: '203.0.113.7', node: null, timings: check.kind === 'http' ? { dns_ms: 1.2, connect_ms: 11, tls_ms: 24, first_byte_ms: 88, total_ms: 126 } : null, cert: null, detail: null,
	}
}

function act(world, row, kind, text, changes, undoable, now) {
	const before = { ...row }
	Object.assign(row, changes)
	const notes = world.notes.get(row.id) ?? []
	const seq = world.tell(`incident.${kind}`, `incident/${row.id}`)
	notes.push({ seq, at: iso(now), recorded_at: iso(now), actor: ref(me), kind: `incident.${kind}`, text, details: {} })
	world.notes.set(row.id, notes)
	world.undo = undoable ? { seq, row, before, until: now + 10_000 } : undefined
	return { body: { seq, undo_until: undoable ? iso(now + 10_000) : null, incident: row } }
}

function events(world, query, now) {
	const names = [['incident.opened', 'incident/47'], ['alert.fired', 'alert/812'], ['check.down', 'check/checkout-api'], ['page.delivered', 'page/901'], ['definition.put', 'service/checkout'], ['user.signed_in', 'user/1']]
	const kind = query.get('kind') ?? ''
	const before = Number(query.get('cursor') ?? world.seq + 1)
	const items = []
	for (let seq = before - 1; seq > before - 400 && items.length < 50 && seq > 0; seq--) {
		const [name, subject] = names[seq % names.length]
		if (!name.startsWith(kind) || (query.get('subject') && subject !== query.get('subject'))) continue
		const at = now - (world.seq - seq) * 97_000
		items.push({ seq, event_time: iso(at), recorded_time: iso(at + 200), actor: seq % 3 ? null : ref(1 + (seq % 4)), kind: name, subject, text: 'What happened, in one sentence.', payload: seq % 11 ? { priority: 'P1', impact: 'high', urgency: 'high', title: 'Checkout answers 503' } : null, version: 1 })
	}
	return list(items, items.length ? String(items.at(-1).seq) : null)
}

const checkpoint = 'mainstay.shop.example/journal\n48210\n9b1xvT5k1oY3mK3mUu8h3Q0l2N0pXqz3mYv4o6dWk2c=\n\n\u2014 mainstay.shop.example/journal Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n'

function session(world, now) {
	const { scenario } = world
	const user = { ...world.users[0], ...(scenario === 'forbidden' ? { role: 'viewer' } : {}) }
	return { user, csrf: 'fixture', needs_password: scenario === 'first-run', server: { version: '0.1.0', name: 'shop.example production', public_url: null, now: iso(now) } }
}

const answers = {
	session_get: ({ world, now }) => (world.scenario === 'signed-out' && !world.entered ? fail(401, 'You are not signed in.', 'Sign in, then try again.') : { body: session(world, now) }),
	session_create: ({ world, body, now }) => {
		if (body.password !== 'correct horse') fail(401, 'The e-mail or the password is wrong.', 'Try again, or ask an administrator for a link.')
		world.entered = true
		return { body: without(session(world, now), 'server') }
	},
	session_link: ({ world, now }) => { world.entered = true; return { body: { ...without(session(world, now), 'server'), needs_password: true } } },
	session_delete: ({ world }) => { world.scenario = 'signed-out'; world.entered = false; return { status: 204 } },
	session_password: () => ({ status: 204 }),
	user_list: ({ world }) => list(world.users),
	user_get: ({ world, params }) => ({ body: find(world.users, 'id', params.id, 'person') }),
	user_create: ({ world, body, now }) => {
		const user = { id: ++world.nextId, ...body, teams: [], time_zone: null, disabled: false, has_password: false, created_at: iso(now), last_seen_at: null, revision: 1 }
		world.users.push(user)
		return { status: 201, body: user }
	},
	user_update: ({ world, params, body }) => ({ body: Object.assign(find(world.users, 'id', params.id, 'person'), body) }),
	user_invite: ({ now }) => ({ body: { link: 'https://mainstay.shop.example/link#v2xP0qTz8Lk3nWb1', expires_at: iso(now + 7 * DAY) } }),
	user_reset_link: ({ now }) => ({ body: { link: 'https://mainstay.shop.example/link#b7Lk3nWbv2xP0qTz', expires_at: iso(now + DAY) } }),
	contact_list: ({ world }) => list(world.contacts),
	contact_create: ({ world, body }) => {
		const contact = { id: ++world.nextId, label: '', order: world.contacts.length + 1, delay: '0s', urgency: 'all', ...without(body, 'secret'), verified: false, last_result: null }
		world.contacts.push(contact)
		return { status: 201, body: contact }
	},
	contact_delete: ({ world, params }) => { world.contacts = world.contacts.filter((c) => c.id !== Number(params.contact)); return { status: 204 } },
	contact_test: ({ world, params, now }) => {
		const contact = find(world.contacts, 'id', params.id, 'contact')
		const page = { id: ++world.nextId, incident: null, user: ref(me), contact: contact.id, channel: contact.channel, state: 'queued', created_at: iso(now), text: 'Test page from Mainstay\nYou asked for it.', attempts: [] }
		world.pages.unshift(page)
		setTimeout(() => world.tell('page.queued', `page/${page.id}`, me), 200)
		if (contact.channel !== 'browser') setTimeout(() => {
			Object.assign(page, { state: 'delivered', attempts: [{ at: iso(Date.now()), state: 'delivered', detail: 'HTTP 200', duration_ms: 380 }] })
			world.tell('page.delivered', `page/${page.id}`, me)
		}, 900)
		return { status: 202, body: { ...page } }
	},
	browser_page_ack: ({ world, body, now }) => {
		const page = find(world.pages, 'id', body.page, 'page')
		Object.assign(page, { state: body.shown === false ? 'failed' : 'delivered', attempts: [{ at: iso(now), state: body.shown === false ? 'failed' : 'delivered', detail: body.detail ?? 'shown', duration_ms: 80 }] })
		world.tell('page.delivered', `page/${page.id}`, me)
		return { status: 204 }
	},
	token_list: ({ world }) => list(world.tokens),
	token_create: ({ world, body, now }) => {
		const token = { id: ++world.nextId, ...body, created_at: iso(now), last_used_at: null }
		world.tokens.push(token)
		return { status: 201, body: { token, secret: 'mst_Zk3nWbv2xP0qTz8Lk3nWb1v2xP0qTz8L' } }
	},
	token_delete: ({ world, params }) => { world.tokens = world.tokens.filter((t) => t.id !== Number(params.id)); return { status: 204 } },
	now_get: ({ world, now }) => {
		const count = (state) => world.checks.filter((c) => c.state === state).length
		const bad = world.checks.filter((c) => ['down', 'degraded', 'unknown'].includes(c.state)).sort((a, b) => worst.indexOf(a.state) - worst.indexOf(b.state))
		return { body: {
			now: iso(now), incidents: world.incidents.filter((i) => i.state !== 'resolved'), on_call: onCall(world, now), mutes: world.mutes, reviews_owed: [], actions_owed: [], updates_due: [], maintenances: [],
			checks: { up: count('up'), down: count('down'), degraded: count('degraded'), paused: count('paused'), unknown: count('unknown'), muted: world.checks.filter((c) => c.muted_until).length, worst: bad.map((c) => without(c, 'bars')) },
			warnings: world.scenario === 'busy' ? [{ code: 'roster.gap', text: 'Nobody is on call for payments on Tuesday night', hint: 'From 18:00 to 08:00 a page there goes straight to the next step.', link: '/on-call' }] : [],
			first_run: world.checks.length === 0,
		} }
	},
	incident_list: ({ world, query }) => {
		const states = query.get('state')?.split(',').filter(Boolean)
		const q = (query.get('q') ?? '').toLowerCase()
		const rows = world.incidents.filter((i) => (!states?.length || states.includes(i.state)) && (!query.get('priority') || i.priority === query.get('priority')) && (!query.get('service') || i.service === query.get('service')) && i.title.toLowerCase().includes(q))
		return list(rows, null)
	},
	incident_create: ({ world, body, now }) => {
		const row = incident(now, ++world.nextId, body.title, 'P2', 'open', body.service ?? null, 0, { firing: 0 })
		world.incidents.unshift(row)
		world.tell('incident.opened', `incident/${row.id}`)
		return { status: 201, body: fullIncident(world, row, now) }
	},
	incident_get: ({ world, params, now }) => { const row = find(world.incidents, 'id', params.id, 'incident'); return { body: fullIncident(world, row, now) } },
	update_list: () => list([]),
	incident_timeline: ({ world, params, now }) => {
		const row = find(world.incidents, 'id', params.id, 'incident')
		return list([...timeline(now, row), ...world.notes.get(row.id) ?? []].sort((a, b) => a.seq - b.seq || Date.parse(a.at) - Date.parse(b.at)))
	},
	incident_acknowledge: (c) => act(c.world, find(c.world.incidents, 'id', c.params.id, 'incident'), 'acknowledged', 'Ada Lovelace is on it.', { state: 'acknowledged', acknowledged_at: iso(c.now), acknowledged_by: ref(me), assignee: ref(me), ack_until: iso(c.now + 30 * MINUTE), next_page_at: null }, true, c.now),
	incident_resolve: (c) => act(c.world, find(c.world.incidents, 'id', c.params.id, 'incident'), 'resolved', `Resolved${c.body?.reason ? `: ${c.body.reason}` : ''}.`, { state: 'resolved', resolved_at: iso(c.now), ack_until: null, next_page_at: null, alerts_firing: 0 }, true, c.now),
	incident_reopen: (c) => act(c.world, find(c.world.incidents, 'id', c.params.id, 'incident'), 'reopened', 'Opened again.', { state: 'open', resolved_at: null, acknowledged_by: null, acknowledged_at: null, assignee: null, next_page_at: iso(c.now + 5 * MINUTE) }, false, c.now),
	incident_note: (c) => act(c.world, find(c.world.incidents, 'id', c.params.id, 'incident'), 'note', c.body.text, {}, true, c.now),
	incident_priority: (c) => {
		const { impact, urgency, reason } = c.body
		const priority = c.world.matrix.cells[c.world.matrix.impacts.indexOf(impact)][c.world.matrix.urgencies.indexOf(urgency)]
		return act(c.world, find(c.world.incidents, 'id', c.params.id, 'incident'), 'priority', `Priority is ${priority} now: ${reason}`, { impact, urgency, priority }, true, c.now)
	},
	incident_escalate: (c) => act(c.world, find(c.world.incidents, 'id', c.params.id, 'incident'), 'escalated', 'The next step is paged now.', {}, false, c.now),
	incident_retitle: (c) => act(c.world, find(c.world.incidents, 'id', c.params.id, 'incident'), 'retitled', `The title is "${c.body.title}" now.`, { title: c.body.title }, false, c.now),
	incident_undo: ({ world, body, now }) => {
		const { undo } = world
		if (!undo || undo.seq !== body.seq || now > undo.until) fail(409, 'This can no longer be undone.', 'Act the other way: reopen, or write a note.')
		return act(world, undo.row, 'undone', 'The last act was taken back.', undo.before, false, now)
	},
	page_list: ({ world, query }) => {
		const states = query.get('state')?.split(',')
		return list(world.pages.filter((p) => (!query.get('user') || p.user.id === Number(query.get('user'))) && (!states || states.includes(p.state)) && (!query.get('channel') || p.channel === query.get('channel'))))
	},
	check_list: ({ world, query }) => {
		const states = query.get('state')?.split(',').filter(Boolean)
		const q = (query.get('q') ?? '').toLowerCase()
		const rows = world.checks.filter((c) => (!states?.length || states.includes(c.state)) && (!query.get('muted') || c.muted_until) && (!query.get('service') || c.service === query.get('service')) && `${c.display} ${c.target} ${c.service}`.toLowerCase().includes(q))
		return list(rows)
	},
	check_series: ({ world, params, query, now }) => ({ body: series(world, find(world.checks, 'name', params.name, 'check'), query, now) }),
	check_results: ({ world, params, now }) => { const check = find(world.checks, 'name', params.name, 'check'); return list(check.last_at ? Array.from({ length: 14 }, (_, i) => result(check, now - i * 30_000)) : []) },
	check_run: ({ world, params, now }) => ({ body: result(find(world.checks, 'name', params.name, 'check'), now) }),
	check_test: ({ body, now }) => (body.spec.url || body.spec.host ? { body: result({ kind: body.spec.kind, state: 'up', last_latency_ms: 126 }, now) } : fail(422, 'The spec is not whole.', 'Fill what is marked.', [{ field: 'spec.url', detail: 'is required for a check of kind http' }])),
	check_address: ({ params }) => ({ status: 201, body: { url: `http://127.0.0.1:8485/hb/msb_${params.name}`, command: `curl -fsS -m 10 --retry 3 -o /dev/null -X POST "http://127.0.0.1:8485/hb/msb_${params.name}?exit=$?"` } }),
	check_pause: ({ world, params, body }) => { const row = Object.assign(find(world.checks, 'name', params.name, 'check'), { state: 'paused', reason: undefined }); world.paused = body.reason; world.tell('check.paused', `check/${row.name}`); return { body: without(row, 'reason') } },
	check_resume: ({ world, params }) => { const row = Object.assign(find(world.checks, 'name', params.name, 'check'), { state: 'unknown' }); world.tell('check.resumed', `check/${row.name}`); return { body: without(row, 'reason') } },
	mute_list: ({ world }) => list(world.mutes),
	mute_create: ({ world, body, now }) => {
		const mute = { id: ++world.nextId, kind: body.kind, name: body.name ?? null, from: iso(now), until: iso(now + HOUR), reason: body.reason, by: ref(me) }
		world.mutes.push(mute)
		for (const check of world.checks) if (body.kind === 'all' || check.name === body.name || (body.kind === 'service' && check.service === body.name)) check.muted_until = mute.until
		world.tell('mute.created', `mute/${mute.id}`)
		return { status: 201, body: mute }
	},
	mute_delete: ({ world, params }) => {
		const mute = find(world.mutes, 'id', params.id, 'mute')
		world.mutes = world.mutes.filter((m) => m !== mute)
		for (const check of world.checks) if (check.muted_until === mute.until || check.name === mute.name) check.muted_until = null
		world.tell('mute.ended', `mute/${mute.id}`)
		return { status: 204 }
	},
	service_list: ({ world, query }) => list(world.services.map((s) => serviceRow(world, s)).filter((s) => `${s.display} ${s.team}`.toLowerCase().includes((query.get('q') ?? '').toLowerCase()))),
	service_get: ({ world, params, now }) => {
		const row = world.services.find(([name]) => name === params.name) ?? fail(404, `There is no service "${params.name}".`)
		const other = (name) => { const found = world.services.find(([n]) => n === name); const r = serviceRow(world, found); return { name, display: r.display, state: r.state } }
		const definition = world.definitions.find((d) => d.kind === 'Service' && d.metadata.name === params.name)
		return { body: {
			...serviceRow(world, row), spec: definition.spec, revision: definition.metadata.revision, manager: definition.metadata.manager, check_rows: world.checks.filter((c) => c.service === params.name),
			incidents: world.incidents.filter((i) => i.service === params.name), depends_on: row[7].map(other), dependants: world.services.filter((s) => s[7].includes(params.name)).map((s) => other(s[0])), on_call: row[3] < 3 ? onCall(world, now).slice(0, 1) : [],
		} }
	},
	on_call_get: ({ world, now }) => list(onCall(world, now)),
	schedule_list: ({ world, now }) => list(world.schedules.map((s) => {
		const row = onCall(world, now).find((o) => o.schedule === s.name)
		return { name: s.name, time_zone: s.time_zone, current: row.user ? [row.user] : [], until: row.until, next: row.next ? [row.next] : [], next_gap: s.gap ? { from: iso(s.gap[0]), to: iso(s.gap[1]) } : null, revision: 4, manager: 'people' }
	})),
	schedule_shifts: ({ world, params, query, now }) => {
		const schedule = find(world.schedules, 'name', params.name, 'schedule')
		const [from, to] = [Date.parse(query.get('from')), Date.parse(query.get('to'))]
		return { body: { from: iso(from), to: iso(to), time_zone: schedule.time_zone, ...shiftsOf(schedule, from, to, world.overrides, now) } }
	},
	override_list: ({ world, params }) => list(world.overrides.filter((o) => o.schedule === params.name)),
	override_create: ({ world, params, body, now }) => {
		const override = { id: ++world.nextId, schedule: params.name, user: ref(body.user), from: body.from ?? iso(now), until: body.until, replaces: null, reason: body.reason ?? null, by: ref(me), created_at: iso(now) }
		world.overrides.push(override)
		world.tell('override.created', `schedule/${params.name}`)
		return { status: 201, body: override }
	},
	override_delete: ({ world, params }) => { world.overrides = world.overrides.filter((o) => o.id !== Number(params.id)); return { status: 204 } },
	schedule_calendar: () => ({ body: 'BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n' }),
	kind_list: ({ world }) => list(world.kinds),
	definition_list: ({ world, params }) => list(world.definitions.filter((d) => d.kind === params.kind)),
	definition_get: ({ world, params }) => {
		const found = world.definitions.find((d) => d.kind === params.kind && d.metadata.name === params.name) ?? fail(404, `There is no ${params.kind} "${params.name}".`)
		return { body: found, etag: `"${found.metadata.revision}"` }
	},
	definition_put: ({ world, params, body, now }) => {
		if (params.kind === 'Check' && body.spec.kind === 'http' && !body.spec.url) fail(422, 'The definition cannot be saved: one field is wrong.', 'Correct what is marked.', [{ field: 'spec.url', detail: 'is required for a check of kind http' }])
		let found = world.definitions.find((d) => d.kind === params.kind && d.metadata.name === params.name)
		const fresh = !found
		if (!found) world.definitions.push(found = { apiVersion: 'mainstay/v1', kind: params.kind, metadata: { name: params.name, manager: 'people', revision: 0, updated_at: iso(now), updated_by: ref(me) }, spec: {} })
		found.spec = body.spec
		found.metadata.revision++
		if (fresh && params.kind === 'Check') world.checks.push({ name: params.name, display: body.spec.display ?? params.name, kind: body.spec.kind, target: body.spec.url ?? `${body.spec.host}:${body.spec.port}`, service: body.spec.service ?? null, state: 'unknown', since: null, last_at: null, last_latency_ms: null, last_reason: null, muted_until: null, uptime: { day: null, week: null, month: null }, bars: [] })
		if (params.kind === 'PriorityMatrix') world.matrix.cells = body.spec.cells
		world.tell('definition.put', `${params.kind.toLowerCase()}/${params.name}`)
		return { status: fresh ? 201 : 200, body: found, etag: `"${found.metadata.revision}"` }
	},
	definition_delete: ({ world, params }) => { world.definitions = world.definitions.filter((d) => d.kind !== params.kind || d.metadata.name !== params.name); world.tell('definition.deleted', params.name); return { status: 204 } },
	discovery_get: ({ world, now }) => ({ body: { scanned_at: iso(now), items: [
		{ process: 'nginx', pid: 812, address: '0.0.0.0', port: 80, protocol: 'http', guess: 'nginx', suggested: { service: 'nginx', checks: [{ kind: 'http', url: 'http://127.0.0.1/' }] }, watched: world.checks.length > 0 },
		{ process: 'nginx', pid: 812, address: '0.0.0.0', port: 443, protocol: 'tls', guess: 'nginx', suggested: { service: 'nginx', checks: [{ kind: 'http', url: 'https://127.0.0.1/' }, { kind: 'tls', host: '127.0.0.1', port: 443 }] }, watched: false },
		{ process: 'postgres', pid: 655, address: '127.0.0.1', port: 5432, protocol: 'tcp', guess: 'PostgreSQL', suggested: { service: 'postgresql', checks: [{ kind: 'tcp', host: '127.0.0.1', port: 5432 }] }, watched: false },
		{ process: 'sshd', pid: 501, address: '::', port: 22, protocol: 'tcp', guess: 'OpenSSH', suggested: { service: 'ssh', checks: [{ kind: 'tcp', host: '::1', port: 22 }] }, watched: false },
		{ process: null, pid: null, address: '127.0.0.1', port: 9090, protocol: 'http', guess: null, suggested: { service: 'port-9090', checks: [{ kind: 'http', url: 'http://127.0.0.1:9090/' }] }, watched: false },
	] } }),
	discovery_watch: ({ world, body, now }) => {
		world.schedules = schedulesOf(now).slice(0, 1)
		for (const item of body.items) world.checks.push({ name: `port-${item.port}`, display: `port ${item.port}`, kind: 'tcp', target: `${item.address}:${item.port}`, service: null, state: 'unknown', since: null, last_at: null, last_latency_ms: null, last_reason: null, muted_until: null, uptime: { day: null, week: null, month: null }, bars: [] })
		world.tell('definition.put', 'check/x')
		return { body: { created: [{ kind: 'Service', name: 'nginx' }, { kind: 'Schedule', name: 'on-call' }] } }
	},
	prometheus_query_range: ({ query }) => queryAnswer(query),
	prometheus_targets: ({ world, now }) => ({ body: { status: 'success', data: { activeTargets: world.checks.length ? [
		targetOf('node', '10.0.0.4:9100', 'down', now, 'could not connect to "10.0.0.4" port 9100: Connection refused'), targetOf('node', '10.0.0.5:9100', 'up', now, ''), targetOf('shop', 'shop-1:8080', 'unknown', now, ''),
	] : [], droppedTargets: [], droppedTargetCounts: {}, scrapeConfig: { state: world.checks.length ? 'loaded' : 'none', error: '' } } } }),
	journal_list: ({ world, query, now }) => events(world, query, now),
	journal_proof: ({ params }) => ({ body: { seq: Number(params.seq), index: Number(params.seq) - 1, size: 48210, leaf: 'q5JhFmmZ0c7kq1ZkpZQ6jzQ1cN2rPfYq4f0v0H6m6xQ=', root: '9b1xvT5k1oY3mK3mUu8h3Q0l2N0pXqz3mYv4o6dWk2c=', path: Array.from({ length: 16 }, (_, i) => `${'pQ7zK1mV'.slice(i % 4)}h3Q0l2N0pXqz3mYv4o6dWk2c9b1xvT5k${i}=`), checkpoint } }),
	journal_checkpoint: () => ({ body: checkpoint }),
	settings_get: ({ world, now }) => ({ body: { backup: { made: new Date(now - 7.4e6).toISOString(), events: 48203, bytes: 61_400_000, secrets: true, name: 'mainstay-production-20261129T031200Z.backup' }, notifications: world.notifications, items: [
		{ name: 'listen', value: '127.0.0.1:8484', source: 'option', about: 'Where the server listens.' }, { name: 'data', value: './data', source: 'option', about: 'Where everything is kept.' },
		{ name: 'public_url', value: null, source: 'default', about: 'The address in pages and mails.' }, { name: 'journal.keep', value: '400d', source: 'file', about: 'How long signals are kept.' },
	] } }),
	settings_notifications: ({ world, body }) => {
		world.notifications = { ...world.notifications, smtp: body.smtp && { ...without(body.smtp, 'password'), user: body.smtp.user ?? null, password_set: true }, ntfy: body.ntfy && { server: body.ntfy.server, token_set: false } }
		return { body: world.notifications }
	},
	alert_list: ({ world }) => list([]),
}

function targetOf(job, instance, health, now, lastError) {
	const url = `http://${instance}/metrics`, labels = { instance, job }
	return { discoveredLabels: { __address__: instance, job }, labels, scrapePool: job, scrapeUrl: url, globalUrl: url, lastError, lastScrape: health === 'unknown' ? '0001-01-01T00:00:00Z' : new Date(now - 8000).toISOString(), lastScrapeDuration: health === 'unknown' ? 0 : 0.0124, health, scrapeInterval: '15s', scrapeTimeout: '10s' }
}

answers.check_get = ({ world, params, now }) => {
	const row = find(world.checks, 'name', params.name, 'check')
	const definition = world.definitions.find((d) => d.kind === 'Check' && d.metadata.name === params.name)
	const open = world.incidents.find((i) => i.service === row.service && i.state !== 'resolved')
	const tls = row.target.startsWith('https') || row.kind === 'tls'
	return { body: {
		...without(row, 'reason'), spec: definition?.spec ?? {}, revision: definition?.metadata.revision ?? 1, manager: definition?.metadata.manager ?? 'people', paused_reason: row.state === 'paused' ? world.paused ?? 'The relay moves to another host' : null,
		alert: row.state === 'down' ? alert(now, 812, row.name, row.service, 'firing', 14 * MINUTE, open?.id ?? null, 'The answer was 503.') : null, next_at: row.state === 'paused' ? null : iso(now + 12_000),
		cert: tls ? { subject: 'shop.example', issuer: "Let's Encrypt R11", not_after: iso(now + 9 * DAY), days: 9 } : null,
	} }
}

const open = new Set(['session_get', 'session_create', 'session_link', 'session_delete'])

export async function handlers(call) {
	const { world, id } = call
	if (world.scenario === 'forbidden' && !open.has(id) && id !== 'now_get') fail(403, 'Your role viewer may not see this.', 'Ask an administrator for the role responder.')
	if (world.scenario === 'broken' && !open.has(id)) fail(503, 'The store did not answer in 5 seconds.', 'It is tried again by itself; see the log of the server.')
	const answer = answers[id]
	if (!answer) fail(501, `The fixture server does not know ${id}.`)
	return answer(call)
}

