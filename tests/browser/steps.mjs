// How a test tells what happened, and what a page is asked again and again.
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { web } from './world.mjs'

const FILTER = (process.env.CHECK_FILTER ?? '').replaceAll(' ', '_')
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
export const SIZES = [390, 1440]
export const SCHEMES = ['light', 'dark']
const axe = readFileSync(web.resolve('axe-core/axe.min.js'), 'utf8')

/** Steps of one story: each needs the ones before, so after a failure the rest is told as not reached. */
export class Story {
	steps = []
	failed = false

	step(name, work) { this.steps.push({ name: `browser: ${name}`, work }) }

	wanted() { return this.steps.some(({ name }) => name.replaceAll(' ', '_').includes(FILTER)) }

	async run(onFailure) {
		for (const { name, work } of this.steps) {
			if (this.failed) { console.log(`not ok ${name}\n  not reached: a step before it failed`); continue }
			const begun = Date.now()
			try {
				const said = await work()
				console.log(`ok ${name}`)
				console.log(`  ${((Date.now() - begun) / 1000).toFixed(1)} s`)
				if (said) console.log(String(said).replace(/^/gm, '  '))
			} catch (error) {
				this.failed = true
				console.log(`not ok ${name}`)
				console.log(String(error.stack ?? error).replace(/^/gm, '  '))
				console.log(String(await onFailure(error)).replace(/^/gm, '  '))
			}
		}
		return !this.failed
	}
}

/** One request to the API as the page itself would send it; gives the JSON. */
export function api(page, method, path, body) {
	return page.evaluate(async ([method, path, body]) => {
		const session = await (await fetch('/api/v1/session')).json()
		const headers = { 'x-mainstay-csrf': session.csrf, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
		const answer = await fetch(`/api/v1/${path}`, { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) })
		const text = await answer.text()
		if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
		return text ? JSON.parse(text) : undefined
	}, [method, path, body])
}

/** The page in every size and scheme: nothing is wider than the screen, axe finds nothing. Gives what is wrong. */
export async function inspect(page, name, out) {
	const wrong = []
	await page.evaluate(axe)
	for (const width of SIZES) {
		await page.setViewportSize({ width, height: width < 600 ? 844 : 900 })
		for (const colorScheme of SCHEMES) {
			await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }) // what comes in while axe looks is not judged half-way
			await settled(page)
			const where = `${name} ${width} ${colorScheme}`
			const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
			if (wide > 0) wrong.push(`${where}: ${wide} px wider than the screen`)
			// Between the schemes only colours differ.
			const rules = colorScheme === SCHEMES[0] ? WCAG : ['color-contrast']
			const { violations } = await page.evaluate((values) => globalThis.axe.run(document, { runOnly: { type: values.length > 1 ? 'tag' : 'rule', values }, resultTypes: ['violations'] }), rules)
			for (const v of violations) wrong.push(`${where}: axe ${v.id}, ${v.nodes.length} times: ${v.nodes[0].target.join(' ')} ${v.nodes[0].failureSummary?.split('\n')[1]?.trim() ?? ''}`)
			if (out) {
				mkdirSync(out, { recursive: true })
				await page.screenshot({ path: join(out, `${name}-${width}-${colorScheme}.png`), fullPage: true })
			}
		}
	}
	return wrong
}

/** Fonts are there, nothing moves, and the layout of the new size is done. */
async function settled(page) {
	await page.evaluate(async () => {
		await document.fonts.ready
		await Promise.race([Promise.all(document.getAnimations().map((a) => a.finished.catch(() => {}))), new Promise((done) => setTimeout(done, 600))])
		await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))
	})
}
