// Builds web/dist: types from the contract, a type check, then one bundle split by page, names with their hash, and a
// gzip copy of everything that shrinks. Prints what a browser has to fetch, and fails when it is more than it may be.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { basename, dirname, extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { constants, gzipSync } from 'node:zlib'
import * as esbuild from 'esbuild'
import { writeTypes } from './gen-types.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const src = (name) => join(here, 'src', name)
const dist = process.env.MAINSTAY_WEB_DIST ?? join(here, 'dist')
const SCRIPT_GZIP_MAX = 200 * 1024
const compressible = new Set(['.html', '.js', '.css', '.svg', '.webmanifest', '.txt'])

function checkTypes() {
	const tsc = join(here, 'node_modules', '.bin', 'tsc')
	const result = spawnSync(tsc, ['--noEmit', '-p', here], { stdio: 'inherit' })
	if (result.status !== 0) process.exit(1)
}

async function bundle() {
	const result = await esbuild.build({
		entryPoints: [{ in: src('main.tsx'), out: 'app' }, { in: src('style/index.css'), out: 'style' }, { in: src('style/link.css'), out: 'link' }, { in: src('style/status.css'), out: 'status' }, { in: src('style/outside.css'), out: 'outside' }],
		outdir: join(dist, 'assets'), entryNames: '[name]-[hash]', chunkNames: '[name]-[hash]', assetNames: '[name]-[hash]',
		bundle: true, splitting: true, format: 'esm', target: ['es2022'], minify: true, sourcemap: false, metafile: true, legalComments: 'none',
		jsx: 'automatic', jsxImportSource: 'preact', loader: { '.woff2': 'file' }, nodePaths: [join(here, 'node_modules')],
		external: [], logLevel: 'warning', define: { 'process.env.NODE_ENV': '"production"' },
	})
	const outputs = Object.keys(result.metafile.outputs).map((path) => basename(path))
	const app = Object.entries(result.metafile.outputs).find(([, o]) => o.entryPoint?.endsWith('main.tsx'))[1]
	const first = app.imports.filter((i) => i.kind === 'import-statement').map((i) => basename(i.path))
	const find = (start, end) => outputs.find((name) => name.startsWith(start) && name.endsWith(end))
	return { first, app: find('app-', '.js'), style: find('style-', '.css'), link: find('link-', '.css'), status: find('status-', '.css'), outside: find('outside-', '.css'), font: find('atkinson-hyperlegible-next-latin-wght', '.woff2') }
}

function hashedCopy(name) {
	const bytes = readFileSync(src(name))
	const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 8).toUpperCase()
	const file = `${basename(name, extname(name))}-${hash}${extname(name)}`
	writeFileSync(join(dist, 'assets', file), bytes)
	return file
}

function writePage({ first, app, style, link, status, outside, font }) {
	const head = [
		`<script src="/assets/${hashedCopy('theme.js')}"></script>`,
		`<link rel="preload" href="/assets/${font}" as="font" type="font/woff2" crossorigin>`,
		`<link rel="stylesheet" href="/assets/${style}">`,
		...first.map((name) => `<link rel="modulepreload" href="/assets/${name}">`),
		`<script type="module" src="/assets/${app}"></script>`,
	].join('\n')
	writeFileSync(join(dist, 'index.html'), readFileSync(src('index.html'), 'utf8').replace('<!-- head -->', head))
	for (const name of ['favicon.svg', 'favicon-alert.svg', 'manifest.webmanifest']) cpSync(src(name), join(dist, name))
	// The page behind an acknowledge link and the status page are filled by the server; they are no pages of their own.
	mkdirSync(join(dist, 'templates'))
	writeFileSync(join(dist, 'templates', 'status.html'), readFileSync(src('status.html'), 'utf8').replace('<!-- head -->', `<link rel="stylesheet" href="/assets/${status}">`))
	writeFileSync(join(dist, 'templates', 'link.html'), readFileSync(src('link.html'), 'utf8').replace('<!-- head -->', `<link rel="stylesheet" href="/assets/${link}">`))
	// A review as a file stands alone, so its style is inside.
	const style_of_file = esbuild.transformSync(readFileSync(src('style/review-file.css'), 'utf8'), { loader: 'css', minify: true }).code
	writeFileSync(join(dist, 'templates', 'review.html'), readFileSync(src('review.html'), 'utf8').replace('<!-- style -->', `<style>${style_of_file.trim()}</style>`))
	for (const name of ['report.html', 'subscribe.html', 'outside.html']) writeFileSync(join(dist, 'templates', name), readFileSync(src(name), 'utf8').replace('<!-- head -->', `<link rel="stylesheet" href="/assets/${outside}">`))
	const fonts = join(here, 'node_modules', '@fontsource-variable', 'atkinson-hyperlegible-next')
	cpSync(join(fonts, 'LICENSE'), join(dist, 'assets', 'font-license.txt'))
}

/** The gzip header's time is zero in node, so the same sources give the same bytes. */
function compress(folder) {
	const rows = []
	for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
		if (!entry.isFile() || entry.name.endsWith('.gz')) continue
		const path = join(entry.parentPath ?? entry.path, entry.name)
		const bytes = readFileSync(path)
		const packed = compressible.has(extname(entry.name)) ? gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }) : undefined
		if (packed && packed.length < bytes.length) writeFileSync(`${path}.gz`, packed)
		rows.push({ name: entry.name, bytes: bytes.length, gzip: packed?.length ?? bytes.length })
	}
	return rows.sort((a, b) => b.gzip - a.gzip)
}

function report(rows) {
	const kb = (n) => `${(n / 1024).toFixed(1)} KB`.padStart(10)
	for (const row of rows) console.log(`${kb(row.bytes)} ${kb(row.gzip)} gzip  ${row.name}`)
	const script = rows.filter((r) => r.name.endsWith('.js'))
	const sum = (list) => list.reduce((total, r) => total + r.gzip, 0)
	console.log(`script in all: ${kb(sum(script)).trim()} gzip of ${SCRIPT_GZIP_MAX / 1024} KB; everything: ${kb(sum(rows)).trim()}`)
	if (sum(script) > SCRIPT_GZIP_MAX) {
		console.error('the script is larger than it may be: split it, or drop a library')
		process.exit(1)
	}
}

writeTypes()
if (!process.argv.includes('--no-check')) checkTypes()
rmSync(dist, { recursive: true, force: true })
mkdirSync(join(dist, 'assets'), { recursive: true })
writePage(await bundle())
report(compress(dist))
