// Takes pictures of the pages in Chromium, to be looked at, and runs axe over each. Not a test: it prints what it sees.
//   node dev/look.mjs [--out DIR] [--only NAME] [--sizes 390,1440] [--schemes light,dark]
import { mkdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { start } from './serve.mjs'

const option = (name, otherwise) => { const i = process.argv.indexOf(`--${name}`); return i > 0 ? process.argv[i + 1] : otherwise }
const out = option('out', '/tmp/mainstay-look')
const only = option('only', '')
const sizes = option('sizes', '390,1440').split(',').map(Number)
const schemes = option('schemes', 'light,dark').split(',')
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

const busy = {
	now: '/', incidents: '/incidents', 'incidents-all': '/incidents?state=all', incident: '/incidents/47', 'incident-resolved': '/incidents/44', checks: '/checks', check: '/checks/checkout-api', 'check-up': '/checks/shop-front', 'check-edit': '/checks/shop-front/edit',
	'check-new': '/checks/new/edit', services: '/services', service: '/services/checkout', 'on-call': '/on-call', 'schedule-edit': '/definitions/Schedule/payments/edit', journal: '/journal', query: '/query?q=node_load1', 'query-refused': '/query?q=sum(', 'query-empty': '/query', 'query-none': '/query?q=none', profile: '/settings/profile', contacts: '/settings/contacts', people: '/settings/people',
	tokens: '/settings/tokens', teams: '/settings/teams', matrix: '/settings/matrix', channels: '/settings/channels', server: '/settings/server', appearance: '/settings/appearance', discovery: '/discovery', missing: '/no/such/page', 'missing-incident': '/incidents/9999',
}
const others = { calm: { 'now-calm': '/' }, 'first-run': { 'now-first': '/', 'on-call-empty': '/on-call', 'checks-empty': '/checks', 'set-password': '/set-password', 'incidents-empty': '/incidents' }, forbidden: { forbidden: '/checks' }, broken: { broken: '/incidents' }, 'signed-out': { 'sign-in': '/', link: '/link#abc' } }

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
mkdirSync(out, { recursive: true })
let troubles = 0
const trouble = (text) => { troubles++; console.log(text) }

let where = ''

async function open(width, scheme) {
	const context = await browser.newContext({ viewport: { width, height: width < 600 ? 844 : 900 }, colorScheme: scheme, timezoneId: 'Europe/Stockholm', hasTouch: width < 600 })
	const page = await context.newPage()
	page.on('pageerror', (error) => trouble(`${where}: ${error.message}`))
	page.on('console', (m) => { if (m.type() === 'error' && !/status of (4|5)\d\d/.test(m.text())) trouble(`${where}: console: ${m.text()}`) })
	return page
}

async function look(page, server, name, path, width, scheme) {
	where = `${name} ${width} ${scheme}`
	await page.goto(server.url + path)
	await page.waitForSelector('h1')
	await page.waitForTimeout(450)
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
	if (wide > 0) trouble(`${where}: ${wide} px wider than the screen`)
	await page.screenshot({ path: join(out, `${name}-${width}-${scheme}.png`), fullPage: true })
	await page.evaluate(axe)
	const result = await page.evaluate(() => globalThis.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] }))
	for (const v of result.violations) trouble(`${where}: axe ${v.id}: ${v.nodes.length}x ${v.nodes[0].target.join(' ')} ${v.nodes[0].failureSummary?.split('\n')[1]?.trim() ?? ''}`)
}

for (const [scenario, pages] of [['busy', busy], ...Object.entries(others)]) {
	const wanted = Object.entries(pages).filter(([name]) => !only || only.split(',').includes(name))
	if (wanted.length === 0) continue
	const server = await start({ scenario })
	for (const width of sizes) {
		for (const scheme of schemes) {
			const page = await open(width, scheme)
			for (const [name, path] of wanted) await look(page, server, name, path, width, scheme)
			await page.context().close()
		}
	}
	for (const fault of new Set(server.faults)) trouble(`contract: ${fault}`)
	await server.stop()
}
await browser.close()
console.log(`${troubles} troubles; pictures in ${out}`)
