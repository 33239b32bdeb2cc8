// The pages in Chromium against the fixture server: what a person does, and what must hold when things break.
// Needs web/dist (npm run build) and Chromium; MAINSTAY_CHROMIUM names another binary.
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { chromium } from 'playwright-core'
import { start } from '../dev/serve.mjs'

const executablePath = process.env.MAINSTAY_CHROMIUM ?? '/usr/bin/chromium'
const skip = existsSync(executablePath) ? false : 'Chromium is not installed'
const WAIT_MS = 10_000
let browser

before(async () => {
	if (skip) return
	browser = await chromium.launch({ executablePath, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
})
after(() => browser?.close())

/** A server and a browser of one person; whatever the page complains about fails the test. */
async function world(scenario, work) {
	const server = await start({ scenario })
	const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: 'Europe/Stockholm' })
	context.setDefaultTimeout(WAIT_MS)
	const complaints = []
	context.on('weberror', (error) => complaints.push(error.error().message))
	context.on('console', (message) => { if (/Content Security Policy|Uncaught/.test(message.text())) complaints.push(message.text()) })
	const open = async (path = '/') => {
		const page = await context.newPage()
		await page.goto(server.url + path)
		await page.waitForSelector('main h1')
		return page
	}
	try {
		await work({ server, context, open })
		assert.deepEqual(complaints, [], 'the browser complained')
		assert.deepEqual(server.faults, [], 'an answer broke the contract')
	} finally {
		await context.close()
		await server.stop()
	}
}

const until = async (what, ready) => {
	const end = Date.now() + WAIT_MS
	while (!(await ready())) {
		if (Date.now() > end) assert.fail(`waited in vain: ${what}`)
		await new Promise((done) => setTimeout(done, 50))
	}
}

test('the key a acknowledges, the key u takes it back within ten seconds', { skip }, () => world('busy', async ({ open, server }) => {
	const page = await open()
	const card = page.locator('.incident-card', { hasText: 'Checkout answers 503' })
	await card.getByText('Nobody is on it').waitFor()
	await page.keyboard.press('a')
	await card.getByText('You have it').waitFor()
	await page.getByRole('button', { name: 'Undo' }).waitFor()
	assert.equal(server.world.incidents[0].state, 'acknowledged')
	await page.keyboard.press('u')
	await card.getByText('Nobody is on it').waitFor()
	assert.equal(server.world.incidents[0].state, 'open')
}))

test('an act that the server refuses is taken back and told', { skip }, () => world('busy', async ({ open }) => {
	const page = await open('/incidents/47')
	await page.getByRole('button', { name: 'Acknowledge' }).waitFor()
	await page.route('**/acknowledge', (route) => route.fulfill({ status: 409, contentType: 'application/problem+json', body: JSON.stringify({ type: 'about:blank', title: 'Conflict', status: 409, detail: 'The incident was merged.', hint: 'Open the other one.', request_id: 'x' }) }))
	await page.getByRole('button', { name: 'Acknowledge' }).click()
	await page.getByRole('alert').getByText('The incident was merged.').waitFor()
	await page.getByRole('button', { name: 'Acknowledge' }).waitFor()
}))

test('seven tabs hold one stream, all see a change, and another tab leads when the leader closes', { skip }, () => world('busy', async ({ open, server }) => {
	const tabs = []
	for (let i = 0; i < 7; i++) tabs.push(await open('/incidents'))
	await until('the stream is open', () => server.streams() === 1)
	await new Promise((done) => setTimeout(done, 300))
	assert.equal(server.streams(), 1)
	Object.assign(server.world.incidents[0], { title: 'A new title for all' })
	server.world.tell('incident.retitled', 'incident/47')
	for (const tab of tabs) await tab.getByText('A new title for all').first().waitFor()
	await tabs[0].close()
	await until('another tab leads', () => server.streams() === 1)
	Object.assign(server.world.incidents[0], { title: 'And one more' })
	server.world.tell('incident.retitled', 'incident/47')
	for (const tab of tabs.slice(1)) await tab.getByText('And one more').first().waitFor()
}))

test('when the server is gone the page says so, and heals by itself when it is back', { skip }, async () => {
	await world('busy', async ({ open, server, context }) => {
		const page = await open()
		await page.locator('.incident-card').first().waitFor()
		await context.setOffline(true)
		await page.getByText('The server does not answer.').waitFor()
		assert.equal(await page.locator('.incident-card').count(), 3, 'what was known stays')
		Object.assign(server.world.incidents[0], { title: 'Changed while away' })
		await context.setOffline(false)
		await page.getByText('Changed while away').waitFor()
		await page.getByText('The server does not answer.').waitFor({ state: 'detached' })
	})
})

test('keys lead to the pages, ? lists them, Escape closes', { skip }, () => world('busy', async ({ open }) => {
	const page = await open()
	await page.keyboard.press('g')
	await page.keyboard.press('i')
	await page.waitForURL('**/incidents')
	await page.locator('main h1', { hasText: 'Incidents' }).waitFor()
	await page.keyboard.press('?')
	await page.getByRole('dialog').getByText('Go to Journal').waitFor()
	await page.keyboard.press('g')
	await page.keyboard.press('n')
	assert.ok(page.url().endsWith('/incidents'), 'keys do nothing while a dialog is open')
	await page.keyboard.press('Escape')
	await page.getByRole('dialog').waitFor({ state: 'detached' })
	await page.keyboard.press('/')
	await page.keyboard.type('gn')
	assert.equal(await page.getByRole('searchbox').inputValue(), 'gn', 'letters typed into a field are letters')
}))

test('the first run offers what listens here, and one click watches it', { skip }, () => world('first-run', async ({ open }) => {
	const page = await open()
	await page.getByText('This runs on this host. Shall it be watched?').waitFor()
	await page.getByRole('checkbox').nth(3).uncheck()
	await page.getByRole('button', { name: 'Watch 4' }).click()
	await page.getByText('4 services watched from now on; you are on call').waitFor()
	await page.getByRole('heading', { name: 'The first results are on their way' }).waitFor()
}))

test('a page for me shows in every tab and the server hears it once', { skip }, () => world('busy', async ({ open, server, context }) => {
	await context.grantPermissions(['notifications'])
	const [one, two] = [await open('/on-call'), await open('/checks')]
	await until('the stream is open', () => server.streams() === 1)
	await one.locator('.contact', { hasText: 'Browser' }).getByRole('button', { name: 'Send me a test page' }).click()
	await one.getByRole('dialog').getByText('It arrived').waitFor()
	for (const tab of [one, two]) await tab.getByText('You are paged: Test page from Mainstay').waitFor()
	assert.equal(server.world.pages[0].attempts.length, 1)
}))

test('what is wrong in a form stands at its field, and a test of the form saves nothing', { skip }, () => world('busy', async ({ open, server }) => {
	const page = await open('/checks/new/edit')
	await page.getByLabel('Name', { exact: true }).fill('My New Check')
	await page.getByRole('button', { name: 'Save' }).click()
	const url = page.getByLabel('URL')
	await page.getByText('is required for a check of kind http').first().waitFor()
	assert.equal(await url.getAttribute('aria-invalid'), 'true')
	await url.fill('https://shop.example/new')
	await page.getByRole('button', { name: 'Try it now' }).click()
	await page.getByRole('dialog').getByText('Nothing was saved.').waitFor()
	assert.equal(server.world.definitions.some((d) => d.metadata.name === 'my-new-check'), false)
	await page.keyboard.press('Escape')
	await page.getByRole('button', { name: 'Save' }).click()
	await page.waitForURL('**/checks/my-new-check')
	const saved = server.world.definitions.find((d) => d.metadata.name === 'my-new-check')
	assert.deepEqual(saved.spec, { kind: 'http', url: 'https://shop.example/new' })
}))

test('who is not signed in gets the sign-in page, and then the page that was asked for', { skip }, () => world('signed-out', async ({ open }) => {
	const page = await open('/checks')
	await page.getByLabel('E-mail').fill('ada@shop.example')
	await page.getByLabel('Password').fill('wrong')
	await page.getByRole('button', { name: 'Sign in' }).click()
	await page.getByText('The e-mail or the password is wrong.').waitFor()
	await page.getByLabel('Password').fill('correct horse')
	await page.getByRole('button', { name: 'Sign in' }).click()
	await page.locator('main h1', { hasText: 'Checks' }).waitFor()
}))

test('a one-time link is used by its button, not by being looked at', { skip }, () => world('signed-out', async ({ open, server }) => {
	const page = await open('/link#abc')
	await page.getByRole('button', { name: 'Sign in' }).waitFor()
	assert.equal(server.world.entered, undefined)
	await page.getByRole('button', { name: 'Sign in' }).click()
	await until('the link was used', () => server.world.entered === true)
}))

test('a role that may not sees why, and no button that would be refused', { skip }, () => world('forbidden', async ({ open }) => {
	const page = await open('/checks')
	await page.getByText('This is not for your role').waitFor()
	assert.equal(await page.getByText('Add a check').count(), 0)
	await page.goto(new URL('/', page.url()).href)
	await page.locator('.incident-card').first().waitFor()
	assert.equal(await page.getByRole('button', { name: 'Acknowledge' }).count(), 0)
}))
