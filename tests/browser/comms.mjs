// Telling people, as a person does it: an update with hints beside it, and the page that the public reads.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { pictures } from './pictures.mjs'
import { api, inspect, Story } from './steps.mjs'
import { makeWorld, missing, until } from './world.mjs'

const option = (name) => { const at = process.argv.indexOf(`--${name}`); return at > 0 ? process.argv[at + 1] : undefined }
const out = option('out')
const WAIT_MS = 20_000

const reason = missing()
if (reason) {
	console.log(`skip browser: ${reason}`)
	process.exit(0)
}

const story = new Story()
let world, context, page, incident

const define = (kind, name, spec) => api(page, 'PUT', `definitions/${kind}/${name}`, { spec })
const later = (minutes) => new Date(Date.now() + minutes * 60000).toISOString().replace(/\.\d+Z/, 'Z')

story.step('telling people: a status page is made of services', async () => {
	await page.goto(world.mainstay.link)
	await page.getByRole('button', { name: 'Sign in' }).click()
	await page.getByLabel('Password').fill('a long sentence nobody guesses')
	await page.getByRole('button', { name: 'Set the password' }).click()
	await page.getByText('This runs on this host. Shall it be watched?').waitFor()
	for (const [name, display] of [['shop', 'Web shop'], ['pay', 'Payments'], ['mail', 'E-mail']]) await define('Service', name, { display, customers: true, impact: 'medium' })
	await define('Check', 'web', { kind: 'http', url: `http://127.0.0.1:${world.nginx.port}/`, interval: '1s', service: 'shop' })
	await define('StatusPage', 'main', {
		title: 'Acme', about: 'How our services are. Times are in Stockholm.', time_zone: 'Europe/Stockholm', support: 'https://acme.example/help',
		groups: [{ title: 'For customers', components: [{ service: 'shop', name: 'Shop', about: 'Browsing and ordering' }, { service: 'pay', name: 'Payments' }] }, { title: 'Behind it', components: [{ service: 'mail', name: 'Receipts by mail' }] }],
	})
	await page.goto(`${world.mainstay.url}/status-pages`)
	await page.getByText('All Systems Operational').waitFor()
})

story.step('telling people: a draft is looked at while it is written, and can be published', async () => {
	incident = (await api(page, 'POST', 'incidents', { title: 'db-03 does not answer', service: 'pay' })).id
	await page.goto(`${world.mainstay.url}/incidents/${incident}`)
	await page.getByRole('button', { name: 'Write an update' }).click()
	const text = page.getByRole('dialog').getByLabel('Text')
	await until('words to begin with', async () => (await text.inputValue()).includes('Payments'))
	await text.fill('db-03 will be fixed by 15:00.')
	await page.getByText('looks like the name of a machine').waitFor()
	await page.getByText('sounds like a promise').waitFor()
	if (out) await page.screenshot({ path: join(out, 'tell-people.png') })
	await text.fill('Since 14:02 CET **card payments** fail for some customers. We are switching to our second provider.')
	await page.getByText('looks like the name of a machine').waitFor({ state: 'detached' })
	await page.getByRole('button', { name: 'Publish' }).click()
	await page.getByText('goes out in ten seconds').waitFor()
	await page.locator('.prose strong', { hasText: 'card payments' }).first().waitFor()
})

story.step('telling people: planned work is announced', async () => {
	await api(page, 'POST', 'maintenances', { title: 'New disks for the mail servers', text: 'Receipts may come **an hour late**.', services: ['mail'], from: later(60), until: later(180) })
	await page.goto(`${world.mainstay.url}/status-pages`)
	await page.getByText('New disks for the mail servers').waitFor()
})

story.step('telling people: the public page reads well without script at every size, and axe finds nothing', async () => {
	const plain = await world.browser.newContext({ javaScriptEnabled: false })
	const reader = await plain.newPage()
	await until('the update is public', async () => { await reader.goto(`${world.mainstay.url}/status/main`); return (await reader.getByRole('link', { name: 'Problem with Payments' }).count()) > 0 }, 30_000)
	await reader.getByRole('heading', { name: 'Partial System Outage' }).waitFor()
	assert.equal(await reader.getByText('db-03').count(), 0)
	const permalink = await reader.getByRole('link', { name: 'Problem with Payments' }).getAttribute('href')
	await plain.close()
	const wrong = []
	for (const [name, path] of Object.entries({ status: '/status/main', 'status-history': '/status/main/history', 'status-incident': permalink, 'status-pages': '/status-pages', 'tell-people': `/incidents/${incident}` })) {
		await page.goto(world.mainstay.url + path)
		await page.locator('main h1').first().waitFor()
		await until(`${path} is loaded`, () => page.evaluate(() => !document.querySelector('.skeleton, [aria-busy=true]')))
		if (name === 'status') await pictures.take('status-page', page)
		wrong.push(...await inspect(page, name, out))
	}
	assert.deepEqual(wrong, [])
})

story.step('telling people: a reader subscribes to a page, says that an update helps, and that it is not fixed, without script', async () => {
	const plain = await world.browser.newContext({ javaScriptEnabled: false })
	const reader = await plain.newPage()
	await reader.goto(`${world.mainstay.url}/status/main`)
	await reader.getByRole('button', { name: 'This helped' }).click()
	await reader.getByRole('heading', { name: 'Thank you' }).waitFor()
	await reader.getByRole('link', { name: 'Back to the status page' }).click()
	await reader.getByRole('link', { name: 'Be told by mail' }).click()
	await reader.getByLabel('Your e-mail address').fill('reader@example.net')
	await reader.getByLabel('Receipts by mail').check()
	await reader.getByRole('button', { name: 'Subscribe' }).click()
	await reader.getByRole('heading', { name: 'Look into your mail' }).waitFor()
	await api(page, 'POST', `incidents/${incident}/updates`, { audience: 'customers', state: 'resolved', text: 'Payments work again since 15:10 CET.' })
	await api(page, 'POST', `incidents/${incident}/resolve`, {})
	const again = reader.getByRole('link', { name: 'Still broken for me' })
	await until('the incident is over', async () => { await reader.goto(`${world.mainstay.url}/status/main/history`); await reader.getByRole('link', { name: 'Problem with Payments' }).click(); return (await again.count()) > 0 }, 30_000)
	const permalink = new URL(reader.url()).pathname
	const form = await again.getAttribute('href')
	await again.click()
	assert.equal(await reader.getByLabel('What is it about?').locator('option:checked').textContent(), 'Payments')
	await reader.getByLabel('What is wrong?').fill('My card is still refused.')
	await reader.getByRole('button', { name: 'Send' }).click()
	await reader.getByRole('heading', { name: 'Thank you' }).waitFor()
	await plain.close()
	await page.goto(`${world.mainstay.url}/reports`)
	await page.getByText('Not fixed', { exact: true }).waitFor()
	await page.getByText('“Payments” on Acme').waitFor()
	await page.goto(`${world.mainstay.url}/incidents/${incident}`)
	await page.getByText('Readers: it helped 1, 0 still do not know').waitFor()
	await define('StatusPage', 'partners', { title: 'Acme for partners', groups: [{ components: [{ service: 'shop' }] }] })
	const wrong = []
	for (const [name, path] of Object.entries({ 'status-over': permalink, 'status-subscribe': '/status/main/subscribe', 'status-report': form, 'status-choice': '/subscribe', 'reports-not-fixed': '/reports', 'tell-people-over': `/incidents/${incident}` })) {
		await page.goto(world.mainstay.url + path)
		await page.locator('main h1').first().waitFor()
		await until(`${path} is loaded`, () => page.evaluate(() => !document.querySelector('.skeleton, [aria-busy=true]')))
		wrong.push(...await inspect(page, name, out))
	}
	assert.deepEqual(wrong, [])
})

if (!story.wanted()) process.exit(0)
world = await makeWorld()
const guard = setTimeout(() => { console.log('not ok browser: telling people ends in five minutes'); process.exit(1) }, 300_000)
let good = false
try {
	pictures.folder = option('pictures')
	context = await world.browser.newContext({ viewport: { width: 1280, height: 900 }, timezoneId: 'Europe/Stockholm' })
	context.setDefaultTimeout(WAIT_MS)
	page = await context.newPage()
	good = await story.run(async () => {
		const text = await page.locator('body').innerText({ timeout: 2000 }).catch(() => '')
		return `--- the page\n${text.slice(0, 2000)}\n--- mainstay\n${world.mainstay.log()}`
	})
} finally {
	clearTimeout(guard)
	await world.finish()
}
process.exit(good ? 0 : 1)
