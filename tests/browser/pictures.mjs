// The pictures of README.md and docs/: taken on the way of the story, so that they show what there is.
import { mkdirSync, statSync } from 'node:fs'
import { join } from 'node:path'

const BYTES_MAX = 120 * 1024

export const pictures = {
	folder: undefined,

	/** One picture as it is on the screen, if pictures are wanted; without what `less` selects. */
	async take(name, page, less) {
		if (!this.folder) return
		mkdirSync(this.folder, { recursive: true })
		const path = join(this.folder, `${name}.jpg`)
		if (less) for (const element of await page.locator(less).all()) await element.evaluate((e) => { e.closest('li').hidden = true })
		await page.screenshot({ path, type: 'jpeg', quality: 82 })
		const { size } = statSync(path)
		if (size > BYTES_MAX) throw new Error(`${path} has ${size} bytes, at most ${BYTES_MAX} are for a picture`)
	},
}
