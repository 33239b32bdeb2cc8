// The real program, a real nginx, a receiver of webhooks and Chromium: started, stopped, and always ended.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { connect, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const TOP = fileURLToPath(new URL('../..', import.meta.url))
export const web = createRequire(join(TOP, 'web/package.json'))
const { chromium } = web('playwright-core')

const BINARY = process.env.MAINSTAY_BINARY ?? join(TOP, 'build-check/mainstay')
const CHROMIUM = process.env.MAINSTAY_CHROMIUM ?? '/usr/bin/chromium'
const START_MS_MAX = 30_000 // sanitizers make it slow, a busy machine slower
const STOP_MS_MAX = 15_000
const LINES_MAX = 5000
const BODY_MAX = 1 << 20
const BROKEN = /ERROR: (Address|Leak|Thread|Memory)Sanitizer|runtime error:|Assertion .* failed/

export const pause = (ms) => new Promise((done) => setTimeout(done, ms))

/** Waits until `ready` gives something true, and gives that; fails with `what` when time is up. */
export async function until(what, ready, ms = 10_000) {
	const end = Date.now() + ms
	for (;;) {
		const value = await ready()
		if (value) return value
		if (Date.now() > end) throw new Error(`waited ${ms / 1000} s in vain: ${what}`)
		await pause(50)
	}
}

export function freePort() {
	return new Promise((done, failed) => {
		const probe = createSocketServer().on('error', failed)
		probe.listen(0, '127.0.0.1', () => { const { port } = probe.address(); probe.close(() => done(port)) })
	})
}

const answers = (port) => new Promise((done) => {
	const socket = connect(port, '127.0.0.1', () => { socket.destroy(); done(true) })
	socket.on('error', () => done(false))
})

/** A program of its own process group, so that its children end with it. */
class Program {
	lines = []

	run(command, args, options = {}) {
		this.child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options })
		this.ended = new Promise((done) => {
			this.child.on('error', (error) => { this.lines.push(String(error)); this.over = true; done(-1) })
			this.child.on('exit', (code) => { this.over = true; done(code) })
		})
		this.over = false
		for (const stream of [this.child.stdout, this.child.stderr]) {
			let rest = ''
			stream.setEncoding('utf8').on('data', (text) => {
				const parts = (rest + text).split('\n')
				rest = parts.pop()
				this.lines.push(...parts)
				if (this.lines.length > LINES_MAX) this.lines.splice(0, this.lines.length - LINES_MAX)
			})
		}
	}

	async end() {
		if (!this.child || this.over) return 0
		this.child.kill('SIGTERM')
		const timer = setTimeout(() => this.kill(), STOP_MS_MAX)
		const status = await this.ended
		clearTimeout(timer)
		return status
	}

	kill() {
		try { process.kill(-this.child.pid, 'SIGKILL') } catch { /* it has ended meanwhile */ }
	}
}

/** `mainstay serve` on a folder of its own; a restart keeps the port and the data. */
export class Mainstay extends Program {
	constructor(folder) { super(); this.data = join(folder, 'data') }

	async start() {
		const begun = this.lines.length
		this.run(BINARY, ['serve', '--data', this.data, '--listen', `127.0.0.1:${this.port ?? 0}`, '--name', 'shop'])
		const line = await until('mainstay listens', () => {
			if (this.over) throw new Error(`mainstay ended before it listened:\n${this.log()}`)
			return this.lines.slice(begun).find((l) => /mainstay: listening on /.test(l))
		}, START_MS_MAX)
		this.url = /(http:\S+?)\/?$/.exec(line)[1]
		this.port = Number(new URL(this.url).port)
		this.link = this.lines.map((l) => /sign in at (\S+)/.exec(l)?.[1]).findLast(Boolean)
	}

	async stop() {
		const status = await this.end()
		const broken = this.lines.find((l) => BROKEN.test(l))
		if (broken || status !== 0) throw new Error(`mainstay ended with status ${status}${broken ? `: ${broken}` : ''}\n${this.log()}`)
	}

	log() { return this.lines.slice(-60).join('\n') }
}

/** The service that is watched. Stopped and started again it keeps its port. */
export class Nginx extends Program {
	constructor(folder) { super(); this.folder = join(folder, 'nginx') }

	async start() {
		this.port ??= await freePort()
		mkdirSync(this.folder, { recursive: true })
		const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${this.folder};`).join(' ')
		writeFileSync(join(this.folder, 'nginx.conf'), `${process.getuid() === 0 ? 'user root;' : ''} daemon off; worker_processes 1; pid ${this.folder}/pid; error_log ${this.folder}/error.log;
events { worker_connections 64; }
http { access_log off; ${temp}
  server { listen 127.0.0.1:${this.port}; default_type text/plain; location / { return 200 "all is well"; } } }
`)
		const program = existsSync('/usr/sbin/nginx') ? '/usr/sbin/nginx' : 'nginx'
		this.run(program, ['-c', join(this.folder, 'nginx.conf'), '-e', join(this.folder, 'error.log')])
		await until('nginx answers', () => answers(this.port))
	}

	async stop() {
		await this.end()
		await until('nginx is gone', async () => !(await answers(this.port)))
	}
}

/** Takes webhooks and keeps their bodies. */
export class Sink {
	bodies = []

	async start() {
		this.server = createServer(async (request, response) => {
			let text = ''
			for await (const chunk of request) if ((text += chunk).length > BODY_MAX) request.destroy()
			// Discovery says hello to everything that listens; only what is posted counts.
			if (request.method === 'POST') this.bodies.push({ headers: request.headers, text })
			response.writeHead(204).end()
		})
		await new Promise((done) => this.server.listen(0, '127.0.0.1', done))
		this.url = `http://127.0.0.1:${this.server.address().port}/pages`
	}

	async stop() {
		this.server?.closeAllConnections()
		await new Promise((done) => (this.server ? this.server.close(done) : done()))
	}
}

/** Everything together; `finish` ends it whatever happened. */
export async function makeWorld() {
	const folder = mkdtempSync(join(tmpdir(), 'face-'))
	const world = { folder, mainstay: new Mainstay(folder), nginx: new Nginx(folder), sink: new Sink(), complaints: [] }
	world.finish = async () => {
		await world.browser?.close()
		await world.nginx.end()
		await world.sink.stop()
		try { await world.mainstay.stop() } finally { world.mainstay.child && world.mainstay.kill(); rmSync(folder, { recursive: true, force: true }) }
	}
	try {
		await Promise.all([world.nginx.start(), world.sink.start()])
		await world.mainstay.start()
		world.browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'] })
	} catch (error) {
		await world.finish().catch(() => {})
		throw error
	}
	return world
}

export const missing = () => (existsSync(CHROMIUM) ? existsSync(BINARY) ? '' : `${BINARY} is not built` : 'Chromium is not installed')
