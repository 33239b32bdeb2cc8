// The fixture server: web/dist plus an API that answers from a made-up world and keeps the contract. For development
// and for looking at the pages; the real server is `mainstay serve`.
//   node dev/serve.mjs [--port 8485] [--scenario busy|calm|first-run|forbidden|signed-out|broken]
import { createServer } from 'node:http'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { checkAnswer, findOperation } from './validate.mjs'
import { handlers, problem } from './answers.mjs'
import { makeWorld } from './world.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const dist = process.env.MAINSTAY_WEB_DIST ?? join(here, '..', 'dist')
const types = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2', '.webmanifest': 'application/manifest+json', '.txt': 'text/plain' }
const HEARTBEAT_MS = 15_000
const BODY_MAX = 1 << 20

async function readBody(request) {
	let text = ''
	for await (const chunk of request) if ((text += chunk).length > BODY_MAX) throw new Error('body too large')
	return text ? JSON.parse(text) : undefined
}

function csvOf(rows) {
	const names = Object.keys(rows[0] ?? {})
	const cell = (value) => `"${String(typeof value === 'object' ? JSON.stringify(value) : value).replaceAll('"', '""')}"`
	return [names.join(','), ...rows.map((row) => names.map((name) => cell(row[name])).join(','))].join('\r\n') + '\r\n'
}

function serveFile(response, path) {
	const wanted = join(dist, normalize(path))
	const file = wanted.startsWith(dist) && extname(path) && existsSync(wanted) ? wanted : join(dist, 'index.html')
	response.writeHead(200, {
		'content-type': types[extname(file)] ?? 'application/octet-stream', 'cache-control': 'no-cache',
		'content-security-policy': "default-src 'self'; frame-ancestors 'none'", 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer',
	})
	response.end(readFileSync(file))
}

/** Starts a server on 127.0.0.1; gives its address, what broke the contract so far, and the way to stop it. */
export async function start({ port = 0, scenario = 'busy' } = {}) {
	const world = makeWorld(scenario, Date.now())
	const streams = new Set()
	const faults = []
	const told = []
	world.tell = (kind, subject, user = null) => {
		const seq = ++world.seq
		const text = `id: ${seq}\nevent: ${kind}\ndata: ${JSON.stringify({ seq, kind, subject, user })}\n\n`
		told.push({ seq, text })
		for (const stream of streams) stream.write(text)
		return seq
	}
	const send = (response, found, status, body, headers = {}) => {
		if (found) {
			const bad = checkAnswer(found.operation, status, body)
			for (const fault of bad) { faults.push(fault); console.error(`contract: ${fault}`) }
		}
		if (body === undefined) return void response.writeHead(status, headers).end()
		const text = typeof body === 'string'
		response.writeHead(status, { 'content-type': text ? 'text/plain' : status >= 400 ? 'application/problem+json' : 'application/json', ...headers })
		response.end(text ? body : JSON.stringify(body))
	}
	const stream = (request, response) => {
		response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
		response.write(`event: hello\ndata: ${JSON.stringify({ seq: world.seq, kind: 'hello', subject: '', user: null })}\n\n`)
		const after = Number(request.headers['last-event-id'] ?? Infinity)
		for (const event of told) if (event.seq > after) response.write(event.text)
		streams.add(response)
		const beat = setInterval(() => response.write(': beat\n\n'), HEARTBEAT_MS)
		request.on('close', () => { clearInterval(beat); streams.delete(response) })
	}
	const api = async (request, response, url) => {
		const found = findOperation(request.method, url.pathname.slice('/api/v1'.length))
		if (!found) return send(response, undefined, 404, problem(404, 'There is no such address.'))
		if (found.operation.id === 'event_stream' && scenario !== 'signed-out') return stream(request, response)
		try {
			const answer = await handlers({ world, id: found.operation.id, params: found.params, query: url.searchParams, body: await readBody(request), now: Date.now() })
			if (request.headers.accept === 'text/csv') {
				response.writeHead(200, { 'content-type': 'text/csv' })
				return void response.end(csvOf(answer.body.items))
			}
			send(response, found, answer.status ?? 200, answer.body, answer.etag ? { etag: answer.etag } : {})
		} catch (error) {
			if (!error.problem) console.error(error)
			send(response, found, error.problem?.status ?? 500, error.problem ?? problem(500, `The fixture failed: ${error.message}.`))
		}
	}
	const server = createServer((request, response) => {
		const url = new URL(request.url, 'http://localhost')
		if (url.pathname.startsWith('/api/v1/')) return void api(request, response, url)
		if (url.pathname === '/healthz') return send(response, undefined, 200, { status: 'ok', version: '0.1.0', parts: [] })
		return serveFile(response, url.pathname)
	})
	await new Promise((done) => server.listen(port, '127.0.0.1', done))
	const stop = () => new Promise((done) => { for (const s of streams) s.end(); server.closeAllConnections(); server.close(done) })
	const { port: bound } = server.address()
	return { url: `http://127.0.0.1:${bound}`, port: bound, world, faults, stop, streams: () => streams.size }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const option = (name, otherwise) => { const i = process.argv.indexOf(`--${name}`); return i > 0 ? process.argv[i + 1] : otherwise }
	const server = await start({ port: Number(option('port', '8485')), scenario: option('scenario', 'busy') })
	console.log(server.url)
}
