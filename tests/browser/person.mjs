// A person's part, from the first start to an incident that is over, and what must hold on the way.
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { api, inspect, Story } from './steps.mjs'
import { TOP, makeWorld, missing, until } from './world.mjs'
import { pictures } from './pictures.mjs'

const option = (name) => { const at = process.argv.indexOf(`--${name}`); return at > 0 ? process.argv[at + 1] : undefined }
const out = option('out')
const PASSWORD = 'a long sentence nobody guesses'
const WAIT_MS = 20_000
const NOW_GZIP_MAX = 50 * 1024
const SCRIPT_GZIP_MAX = 200 * 1024
// The browser itself says this of an answer 401 or of a server that is stopped on purpose.
const EXPECTED = /Failed to load resource|net::ERR_CONNECTION_REFUSED|net::ERR_INCOMPLETE_CHUNKED|net::ERR_EMPTY_RESPONSE/

const reason = missing()
if (reason) {
	console.log(`skip browser: ${reason}`)
	process.exit(0)
}

/** A body of remote write 1.0 with one series: protobuf by hand, snappy by one literal. */
function samplesBody(labels, points) {
	const varint = (value) => { const out = []; for (let rest = BigInt(value); ; rest >>= 7n) { if (rest < 128n) return Buffer.from([...out, Number(rest)]); out.push(Number(rest & 127n) | 128) } }
	const field = (number, content) => Buffer.concat([varint(number << 3 | 2), varint(Buffer.byteLength(content)), Buffer.from(content)])
	const sample = ([at, value]) => { const real = Buffer.alloc(9, 9); real.writeDoubleLE(value, 1); return field(2, Buffer.concat([real, varint(16), varint(at)])) }
	const names = Object.entries(labels).map(([name, value]) => field(1, Buffer.concat([field(1, name), field(2, value)])))
	const message = field(1, Buffer.concat([...names, ...points.map(sample)]))
	const size = Buffer.alloc(2)
	size.writeUInt16LE(message.length - 1)
	return Buffer.concat([varint(message.length), Buffer.from([61 << 2]), size, message])
}

const story = new Story()
let world, context, page, incident, link

function listen(where) {
	where.on('weberror', (error) => world.complaints.push(error.error().message))
	where.on('console', (m) => { if (m.type() === 'error' && !EXPECTED.test(m.text())) world.complaints.push(m.text()) })
}

/** Keeps every notification that is made; the real one is made too. */
function keepNotifications() {
	const Real = globalThis.Notification
	globalThis.rung = []
	if (!Real) return
	globalThis.Notification = class extends Real {
		constructor(title, options) { super(title, options); globalThis.rung.push({ title, ...options }) }
	}
}

async function open(path = '/') {
	const tab = await context.newPage()
	await tab.goto(world.mainstay.url + path)
	await tab.locator('main h1').waitFor()
	return tab
}

const toNow = () => page.locator('nav').getByRole('link', { name: 'Now' }).first().click()

story.step('the printed link shows a button and changes nothing until it is pressed; then a password is chosen', async () => {
	await page.goto(world.mainstay.link)
	await page.getByRole('heading', { name: 'Welcome to Mainstay' }).waitFor()
	await page.reload()
	await page.getByRole('button', { name: 'Sign in' }).click()
	await page.getByRole('heading', { name: 'Choose a password' }).waitFor()
	const size = page.viewportSize()
	assert.deepEqual(await inspect(page, 'set-password', out), []) // nobody who has one sees it
	await page.setViewportSize(size)
	await page.emulateMedia({ colorScheme: null, reducedMotion: null })
	await page.getByLabel('Password').fill(PASSWORD)
	await page.getByRole('button', { name: 'Set the password' }).click()
	await page.getByText('This runs on this host. Shall it be watched?').waitFor()
})

story.step('the first run finds nginx, and one click watches it', async () => {
	const row = page.locator('.found', { hasText: `:${world.nginx.port}` })
	await row.getByText('nginx').first().waitFor()
	// Other programs of this machine are left alone, and are in no picture.
	for (const other of await page.locator('.found', { hasNotText: `:${world.nginx.port}` }).getByRole('checkbox').all()) await other.uncheck()
	await pictures.take('first-run', page, `.found:not(:has-text(":${world.nginx.port}"))`)
	await page.getByRole('button', { name: /^Watch/ }).click()
	await page.getByText('watched from now on; you are on call').waitFor()
	await page.getByRole('heading', { name: 'Everything is up' }).waitFor()
	// What a patient person would wait two minutes for shall happen in seconds.
	for (const check of (await api(page, 'GET', 'checks')).items) {
		const { spec } = await api(page, 'GET', `definitions/Check/${check.name}`)
		await api(page, 'PUT', `definitions/Check/${check.name}`, { spec: { ...spec, interval: '1s', timeout: '1s', fail_after: 1, recover_after: 1 } })
	}
	await page.getByText('Nobody is on call').waitFor({ state: 'detached' })
})

story.step('a webhook is added as a contact, and a test page shows its delivery step', async () => {
	const { id } = (await api(page, 'GET', 'session')).user
	await api(page, 'PATCH', `users/${id}`, { name: 'Ada Lovelace' })
	await api(page, 'PUT', 'settings/notifications', { webhook: { allow: ['127.0.0.0/8'] } })
	await page.goto(`${world.mainstay.url}/settings/contacts`)
	await page.getByRole('button', { name: 'Add a way to reach me' }).click()
	const dialog = page.getByRole('dialog')
	await dialog.getByLabel('By').selectOption('webhook')
	await dialog.getByLabel('URL').fill(world.sink.url)
	await dialog.getByLabel('Signing key').fill('whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw')
	await dialog.getByRole('button', { name: 'Add', exact: true }).click()
	await page.locator('.contact', { hasText: 'Webhook' }).getByRole('button', { name: 'Send me a test page' }).click()
	await dialog.getByText('The other side took it').waitFor()
	await dialog.locator('.attempts').getByText('HTTP 204').waitFor()
	await pictures.take('test-page', page)
	assert.equal(world.sink.bodies.length, 1)
	assert.match(world.sink.bodies[0].text, /test/i)
	await page.keyboard.press('Escape')
})

story.step('nginx stops: the page Now turns red by itself and the browser rings', async () => {
	await page.goto(`${world.mainstay.url}/`)
	await page.getByRole('heading', { name: 'Everything is up' }).waitFor()
	await page.getByText('Live', { exact: true }).waitFor()
	const begun = Date.now()
	await world.nginx.stop()
	await page.getByRole('heading', { name: '1 incident waits for somebody' }).waitFor({ timeout: WAIT_MS })
	const red = Date.now() - begun
	await page.getByText('You are paged:').waitFor()
	const rung = await until('the browser rings', () => page.evaluate(() => globalThis.rung.find((n) => n.title.includes('P'))), WAIT_MS)
	incident = (await api(page, 'GET', 'incidents?state=open')).items[0].id
	const wakes = await until('the page by browser is delivered', async () => (await api(page, 'GET', `pages?incident=${incident}&channel=browser&state=delivered`)).items[0])
	assert.equal(rung.title, wakes.text.split('\n')[0], 'the notification says the first line of the page')
	await pictures.take('now-down', page)
	return `red after ${red} ms; rang: ${rung.title}`
})

story.step('the incident is acknowledged, taken back within ten seconds, and acknowledged again', async () => {
	await page.locator('.incident-card .name').click()
	await page.waitForURL(`**/incidents/${incident}`)
	await page.getByRole('button', { name: 'Acknowledge' }).click()
	await page.getByText('Ada Lovelace (you)').waitFor()
	await page.getByRole('button', { name: 'Undo' }).click()
	await page.getByText('nobody yet').waitFor()
	assert.equal((await api(page, 'GET', `incidents/${incident}`)).state, 'open')
	await page.getByRole('button', { name: 'Acknowledge' }).click()
	await page.getByText('Ada Lovelace (you)').waitFor()
	assert.equal((await api(page, 'GET', `incidents/${incident}`)).state, 'acknowledged')
})

story.step('a note is written, and the timeline tells every step', async () => {
	await page.getByLabel('Note for the timeline').fill('nginx does not run; starting it.')
	await page.getByRole('button', { name: 'Add note' }).click()
	const timeline = page.locator('.timeline')
	for (const text of ['nginx does not run; starting it.', 'Ada Lovelace took it', 'was undone', 'Paged Ada Lovelace']) await timeline.locator('.pre').getByText(text).first().waitFor()
	await timeline.locator('.steps summary').first().click() // what was folded is all there
	await timeline.locator('.steps .pre').getByText('Page 2, try').first().waitFor()
	await page.evaluate(() => scrollTo(0, 0))
	await pictures.take('incident', page)
})

/** The path of the acknowledge link in the newest page about this title. */
const linkAbout = (title) => until(`a page about ${title}`, () => {
	const sent = world.sink.bodies.findLast(({ text }) => text.includes(title))
	return sent && new URL(/https?:[^"\s\\]+\/l\/[0-9a-f]+/.exec(sent.text)[0]).pathname
})

story.step('the link of a page works on a phone without script; looking changes nothing, pressing acknowledges', async () => {
	// What people do to it: pages that arrive and updates that are planned meanwhile are none of the link's doing.
	const events = async (id) => (await api(page, 'GET', `incidents/${id}/timeline`)).items.filter((item) => item.kind.startsWith('incident.')).length
	const phone = await world.browser.newContext({ viewport: { width: 390, height: 844 }, javaScriptEnabled: false, hasTouch: true })
	listen(phone)
	const small = await phone.newPage()
	link = await linkAbout('nginx')
	let before = await events(incident)
	await small.goto(world.mainstay.url + link)
	await small.getByText('Ada Lovelace has it').waitFor()
	await small.getByRole('button', { name: /Acknowledge/ }).click()
	await small.getByText('Nobody else is paged while you are on it').waitFor()
	assert.equal(await events(incident), before, 'what one has already is not taken twice')
	const lift = (await api(page, 'POST', 'incidents', { title: 'The lift of house 2 is stuck', impact: 'high', urgency: 'high' })).id
	await small.goto(world.mainstay.url + await linkAbout('The lift'))
	await until('the pages are told', async () => (await api(page, 'GET', `pages?incident=${lift}&state=queued,sending`)).items.length === 0)
	before = await events(lift)
	await small.reload()
	await small.getByRole('heading', { name: 'The lift of house 2 is stuck' }).waitFor()
	assert.equal(await events(lift), before, 'a look was recorded as an act')
	const wide = await small.evaluate(() => document.documentElement.scrollWidth)
	assert.ok(wide <= 390, `${wide} px wide`)
	await pictures.take('link', small)
	await small.getByRole('button', { name: /Acknowledge/ }).click()
	await small.getByText('Ada Lovelace has it').waitFor()
	assert.equal((await api(page, 'GET', `incidents/${lift}`)).state, 'acknowledged')
	await phone.close()
	await api(page, 'POST', `incidents/${lift}/resolve`, { reason: 'The doors were dusty.' })
})

story.step('nginx runs again: that it is resolved shows by itself', async () => {
	await world.nginx.start()
	await page.getByText('Resolved', { exact: true }).first().waitFor({ timeout: WAIT_MS })
	await toNow()
	await page.getByRole('heading', { name: 'Everything is up' }).waitFor()
	await page.getByText('No incident is open.').waitFor()
	await page.getByRole('heading', { name: 'Resolved lately' }).waitFor()
	await page.getByText('The lift of house 2 is stuck').first().waitFor()
	await pictures.take('now-calm', page)
})

story.step('what was learned: the review is drafted from the record, people add their words', async () => {
	await api(page, 'POST', 'reviews', { incident: 1 }).catch(() => {}) // it may have been drafted already
	await api(page, 'PUT', 'reviews/1/sections/summary', { text: 'nginx was stopped by hand. **Nobody could see the page** until it was started again:\n\n- the check noticed within seconds\n- the page rang at once' })
	await page.goto(`${world.mainstay.url}/reviews/1`)
	await page.locator('.prose strong', { hasText: 'Nobody could see the page' }).waitFor()
	await pictures.take('review', page)
})

story.step('a cell of the priority matrix is changed by pressing it', async () => {
	await page.goto(`${world.mainstay.url}/settings/matrix`)
	for (const now of ['P5', 'P1', 'P2', 'P3']) await page.getByRole('button', { name: `low impact, low urgency: ${now}` }).click()
	await page.getByRole('button', { name: 'low impact, low urgency: P4' }).waitFor()
	await page.getByRole('button', { name: 'Save' }).click()
	await page.getByText('The matrix is saved').waitFor()
	const { spec } = await api(page, 'GET', 'definitions/PriorityMatrix/default')
	assert.deepEqual(spec.cells, [['P1', 'P2', 'P3'], ['P2', 'P3', 'P4'], ['P3', 'P4', 'P4']])
})

story.step('signed out, and in again with the password', async () => {
	await page.goto(`${world.mainstay.url}/settings/profile`)
	await page.getByRole('button', { name: 'Sign out' }).click()
	await page.getByLabel('E-mail').fill('admin@localhost')
	await page.getByLabel('Password').fill(PASSWORD)
	await page.getByRole('button', { name: 'Sign in' }).click()
	await page.getByRole('heading', { name: 'Ada Lovelace' }).or(page.locator('main h1')).first().waitFor()
	await page.getByText('Live', { exact: true }).waitFor()
})

story.step('seven tabs are live at once on one stream', async () => {
	let streams = 0
	const begun = (request) => { if (request.url().endsWith('/api/v1/events')) streams++ }
	context.on('request', begun)
	const tabs = [page]
	for (let i = 1; i < 7; i++) tabs.push(await open('/incidents'))
	const made = await api(page, 'POST', 'incidents', { title: 'The printer smokes' })
	for (const tab of tabs.slice(1)) await tab.getByText('The printer smokes').first().waitFor()
	assert.equal(streams, 0, 'a second tab opened a stream of its own')
	context.off('request', begun)
	for (const tab of tabs.slice(1)) await tab.close()
	await page.bringToFront()
	incident = made.id
})

story.step('with the keyboard alone: g n, a acknowledges, ? helps', async () => {
	await page.keyboard.press('g')
	await page.keyboard.press('n')
	await page.getByText('The printer smokes').first().waitFor()
	await page.keyboard.press('a')
	await page.getByText('You have it').first().waitFor()
	await page.keyboard.press('?')
	await page.getByRole('dialog').getByText('Acknowledge the first incident that waits').waitFor()
	await page.keyboard.press('Escape')
	await page.getByRole('dialog').waitFor({ state: 'detached' })
	await until('it is acknowledged', async () => (await api(page, 'GET', `incidents/${incident}`)).state === 'acknowledged')
})

story.step('the server stops: a banner says so; it starts: all is live again', async () => {
	await world.mainstay.stop()
	await page.getByText('The server does not answer.').waitFor({ timeout: WAIT_MS })
	await page.getByText('The printer smokes').first().waitFor()
	await world.mainstay.start()
	await page.getByText('The server does not answer.').waitFor({ state: 'detached', timeout: WAIT_MS * 2 })
	await page.getByText('Live', { exact: true }).waitFor({ timeout: WAIT_MS * 2 })
	await api(page, 'POST', `incidents/${incident}/resolve`, { reason: 'It was a toaster.' })
	await page.getByText('The printer smokes').first().waitFor()
	await page.getByText('No incident is open.').waitFor()
	assert.doesNotMatch(await page.locator('main').innerText(), /\bin \d+ s\b/, 'what is over lies ahead')
})

story.step('samples that a program sends are lines, what cannot be read is said under its text, and checks have series', async () => {
	const now = Date.now()
	const points = Array.from({ length: 30 }, (_, i) => [now - (30 - i) * 10_000, 180 + 20 * Math.sin(i / 4)])
	await page.evaluate(async (body) => {
		const { csrf } = await (await fetch('/api/v1/session')).json()
		const headers = { 'x-mainstay-csrf': csrf, 'content-type': 'application/x-protobuf', 'content-encoding': 'snappy' }
		const answer = await fetch('/api/v1/write', { method: 'POST', headers, body: new Uint8Array(body) })
		if (answer.status !== 204) throw new Error(await answer.text())
	}, [...samplesBody({ __name__: 'oven_celsius', job: 'oven' }, points)])
	await page.keyboard.press('g')
	await page.keyboard.press('q')
	const box = page.getByLabel('Expression')
	await box.fill('avg_over_time(oven_celsius[1m]')
	await box.press('Enter')
	await page.getByRole('alert').getByText('unexpected end of input').waitFor()
	await box.fill('avg_over_time(oven_celsius[1m])')
	await box.press('Enter')
	await page.getByText('{job="oven"}').waitFor()
	await page.locator('canvas').waitFor()
	await page.goBack()
	await page.getByRole('alert').waitFor()
	await page.goForward()
	await page.getByText('{job="oven"}').waitFor()
	await page.keyboard.press('Escape')
	const check = (await api(page, 'GET', 'checks')).items[0].name
	await page.goto(`${world.mainstay.url}/checks/${check}?span=1h`)
	await page.getByRole('link', { name: 'Its series' }).click()
	await page.getByText('phase="processing"').waitFor()
	await page.locator('canvas').waitFor()
	await page.goto(world.mainstay.url)
	await page.getByText('No incident is open.').waitFor()
})

story.step('every page fits at 390 and 1440, light and dark, and axe finds nothing', async () => {
	const check = (await api(page, 'GET', 'checks')).items[0].name
	const waits = (await api(page, 'POST', 'incidents', { title: 'The gate does not open' })).id
	const openLink = await linkAbout('The gate')
	for (const text of ['The basket loses what I put in', 'The gate stays shut for me as well']) await api(page, 'POST', 'reports', { text, severity: 'stopped', email: 'eve@example.net' })
	const { items: [newest] } = await api(page, 'GET', 'reports')
	await api(page, 'POST', `reports/${newest.id}/join`, { incident: waits })
	await api(page, 'POST', 'subscribers', { address: 'eve@example.net' })
	const service = (await api(page, 'GET', 'services')).items[0].name
	const schedule = (await api(page, 'GET', 'schedules')).items[0].name
	const pages = {
		now: '/', incidents: '/incidents?state=all', incident: '/incidents/1', declared: `/incidents/${waits}`, checks: '/checks', check: `/checks/${check}?span=1h`, 'check-edit': `/checks/${check}/edit`, 'check-new': '/checks/new/edit',
		services: '/services', service: `/services/${service}`, 'service-edit': `/services/${service}/edit`, 'on-call': '/on-call', 'schedule-edit': `/definitions/Schedule/${schedule}/edit`, journal: '/journal',
		profile: '/settings/profile', contacts: '/settings/contacts', people: '/settings/people', tokens: '/settings/tokens', teams: '/settings/teams', matrix: '/settings/matrix', channels: '/settings/channels', server: '/settings/server', appearance: '/settings/appearance',
		reports: '/reports', 'reports-all': '/reports?state=all', subscribers: '/settings/subscribers', 'report-form': '/report', 'subscribe-form': '/subscribe', 'report-unknown': '/r/0',
		query: '/query', 'query-drawn': `/query?q=${encodeURIComponent('{job="oven"}')}&span=15m`, 'query-check': `/query?q=${encodeURIComponent(`probe_http_duration_seconds{instance="${check}"}`)}&span=15m`, 'query-refused': `/query?q=${encodeURIComponent('sum by (handler) (rate(prometheus_http_requests_total{code=~"5.."}[5m])')}`,
		reviews: '/reviews', review: '/reviews/1', secrets: '/settings/secrets', 'ways-in': '/settings/ways-in',
		discovery: '/discovery', missing: '/no/such/page', 'link-resolved': link, 'link-open': openLink, 'link-unknown': '/l/0123456789abcdef',
	}
	const tab = await context.newPage()
	const wrong = []
	for (const [name, path] of Object.entries(pages)) {
		await tab.goto(world.mainstay.url + path)
		await tab.locator('main h1').waitFor()
		await until(`${path} is loaded`, () => tab.evaluate(() => !document.querySelector('.skeleton, [aria-busy=true]')))
		wrong.push(...await inspect(tab, name, out))
	}
	await tab.close()
	await api(page, 'POST', `incidents/${waits}/resolve`, {})
	assert.deepEqual(wrong, [])
	return `${Object.keys(pages).length} pages`
})

story.step('with 50 incidents and 200 checks the page Now is fetched in at most 50 KB gzip', async () => {
	const url = `http://127.0.0.1:${world.nginx.port}/`
	await page.evaluate(async (url) => {
		const { csrf } = await (await fetch('/api/v1/session')).json()
		const send = async (method, path, body) => {
			const answer = await fetch(`/api/v1/${path}`, { method, headers: { 'x-mainstay-csrf': csrf, 'content-type': 'application/json' }, body: JSON.stringify(body) })
			if (!answer.ok) throw new Error(`${path}: ${await answer.text()}`)
		}
		const all = async (count, one) => { for (let i = 0; i < count; i += 10) await Promise.all(Array.from({ length: 10 }, (_, k) => one(i + k))) }
		await all(200, (i) => send('PUT', `definitions/Check/shop-part-${i}`, { spec: { kind: 'http', url: `${url}?part=${i}`, interval: '1h' } }))
		await all(50, (i) => send('POST', 'incidents', { title: `Customers of region ${i} cannot pay by card, case ${i * 7919}`, impact: 'high', urgency: 'low' }))
	}, url)
	const found = await page.evaluate(async () => {
		const answer = await fetch('/api/v1/now')
		const text = await answer.text()
		return { text, wire: performance.getEntriesByType('resource').findLast((e) => e.name.endsWith('/api/v1/now')).encodedBodySize }
	})
	const { checks, incidents } = JSON.parse(found.text)
	const size = gzipSync(found.text).length
	assert.equal(incidents.length, 50)
	assert.ok(Object.values(checks).filter(Number.isInteger).reduce((a, b) => a + b) >= 200)
	assert.ok(found.wire <= NOW_GZIP_MAX, `${found.wire} bytes on the line`)
	assert.ok(size <= NOW_GZIP_MAX, `${size} bytes gzip`)
	await page.reload()
	await page.getByRole('heading', { name: '50 incidents wait for somebody' }).waitFor()
	assert.deepEqual(await inspect(page, 'now-50', out), [])
	return `/now: ${found.text.length} bytes, ${size} gzip, ${found.wire} on the line`
})

story.step('the script is at most 200 KB gzip', async () => {
	const folder = join(TOP, 'web/dist/assets')
	const sum = readdirSync(folder).filter((name) => name.endsWith('.js.gz')).reduce((total, name) => total + readFileSync(join(folder, name)).length, 0)
	assert.ok(sum > 10_000 && sum <= SCRIPT_GZIP_MAX, `${sum} bytes`)
	return `script: ${sum} bytes gzip`
})

story.step('the browser complained about nothing, and the program ends well', async () => {
	assert.deepEqual(world.complaints, [])
	await context.close()
	await world.mainstay.stop()
})

if (!story.wanted()) process.exit(0)
world = await makeWorld()
const guard = setTimeout(() => { console.log('not ok browser: it ends in ten minutes'); process.exit(1) }, 600_000)
let good = false
try {
	pictures.folder = option('pictures')
	context = await world.browser.newContext({ viewport: { width: 1280, height: 800 }, timezoneId: 'Europe/Stockholm' })
	context.setDefaultTimeout(WAIT_MS)
	await context.addInitScript(keepNotifications)
	await context.grantPermissions(['notifications'])
	listen(context)
	page = await context.newPage()
	good = await story.run(async () => {
		const text = await page.locator('body').innerText({ timeout: 2000 }).catch(() => '')
		if (out) await page.screenshot({ path: join(out, 'failure.png') }).catch(() => {})
		return `complaints: ${world.complaints.join('; ') || 'none'}\n--- the page\n${text.slice(0, 800)}\n--- mainstay\n${world.mainstay.log()}`
	})
} finally {
	clearTimeout(guard)
	await world.finish()
}
process.exit(good ? 0 : 1)
