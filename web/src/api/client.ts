// The only place that calls fetch for the API. Every call is a row of the contract; every failure becomes a
// Problem with a sentence and a hint, also when the network gave none.
import { signal } from '@preact/signals'
import { operations, type Operations, type Problem, type Session } from './contract'

export class ApiError extends Error {
	constructor(readonly problem: Problem) { super(problem.detail) }

	/** Nothing answered: the line is broken, not the request. */
	get offline(): boolean { return this.problem.status === 0 }
}

/** Undefined while it is not known yet, null when nobody is signed in. */
export const session = signal<Session | null | undefined>(undefined)

/** False from the first request that nobody answered until the first that is answered. */
export const online = signal(true)

type Params<K extends keyof Operations> = Operations[K]['params']
type Empty = Record<string, never>
type Arguments<K extends keyof Operations> = Operations[K]['body'] extends undefined
	? [params: Params<K>, options?: CallOptions]
	: [params: Params<K>, body: Operations[K]['body'], options?: CallOptions]

export interface CallOptions { ifMatch?: string | undefined, signal?: AbortSignal }

export function pathOf<K extends keyof Operations>(id: K, params: Params<K> | Empty): string {
	const query = new URLSearchParams()
	let path = operations[id][1]
	for (const [key, value] of Object.entries(params)) {
		if (value === undefined || value === null || value === '') continue
		const text = Array.isArray(value) ? value.join(',') : String(value)
		if (path.includes(`{${key}}`)) path = path.replace(`{${key}}`, encodeURIComponent(text))
		else if (text !== '') query.set(key, text)
	}
	const search = query.toString()
	return `/api/v1${path}${search ? `?${search}` : ''}`
}

function offlineProblem(): Problem {
	return {
		type: 'about:blank', title: 'No answer', status: 0, request_id: '',
		detail: 'The server did not answer.',
		hint: 'Check the network; the page tries again by itself.',
	}
}

/** Queries are refused in Prometheus' words. */
function problemOfJson(body: Problem | { status: 'error', errorType: string, error: string }, status: number): Problem {
	return 'error' in body ? { type: 'about:blank', title: body.errorType, status, detail: body.error, request_id: '' } : body
}

export async function problemFromAnswer(response: Response): Promise<Problem> {
	if (response.headers.get('content-type')?.includes('json')) {
		try { return problemOfJson(await response.json(), response.status) } catch { /* the answer was cut: fall through */ }
	}
	return {
		type: 'about:blank', title: response.statusText || 'Error', status: response.status,
		request_id: response.headers.get('x-request-id') ?? '',
		detail: `The server answered ${response.status} without saying why.`,
		hint: 'A proxy between you and the server may have answered; try again.',
	}
}

export interface Answer<T> { data: T, etag: string | null }

async function request<T>(method: string, url: string, body: unknown, options: CallOptions): Promise<Answer<T>> {
	const headers: Record<string, string> = { accept: 'application/json' }
	if (method !== 'GET') {
		headers['x-mainstay-csrf'] = session.value?.csrf ?? ''
		if (body !== undefined) headers['content-type'] = 'application/json'
		if (method === 'POST') headers['idempotency-key'] = newKey()
	}
	if (options.ifMatch) headers['if-match'] = options.ifMatch
	let response: Response
	try {
		response = await fetch(url, {
			method, headers, credentials: 'same-origin', cache: 'no-store',
			...(body === undefined ? {} : { body: JSON.stringify(body) }), ...(options.signal ? { signal: options.signal } : {}),
		})
	} catch (error) {
		if ((error as Error).name === 'AbortError') throw error
		online.value = false
		throw new ApiError(offlineProblem())
	}
	online.value = true
	if (!response.ok) {
		if (response.status === 401 && session.value) session.value = null
		throw new ApiError(await problemFromAnswer(response))
	}
	if (response.status === 204) return { data: undefined as T, etag: null }
	const json = response.headers.get('content-type')?.includes('json')
	return { data: (json ? await response.json() : await response.text()) as T, etag: response.headers.get('etag') }
}

/** crypto.randomUUID needs a secure context; a server on plain http in a private network has none. */
function newKey(): string {
	return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}

export async function callWithEtag<K extends keyof Operations>(id: K, ...rest: Arguments<K>): Promise<Answer<Operations[K]['answer']>> {
	const [method] = operations[id]
	// GET and DELETE rows have no body in the contract, so their options come second.
	const hasBody = method !== 'GET' && method !== 'DELETE' && (rest.length > 2 || !isOptions(rest[1]))
	const body = hasBody ? rest[1] : undefined
	const options = ((hasBody ? rest[2] : rest[1]) ?? {}) as CallOptions
	return request(method, pathOf(id, rest[0]), body, options)
}

function isOptions(value: unknown): boolean {
	return typeof value === 'object' && value !== null && ('ifMatch' in value || 'signal' in value)
}

export async function call<K extends keyof Operations>(id: K, ...rest: Arguments<K>): Promise<Operations[K]['answer']> {
	return (await callWithEtag(id, ...rest)).data
}

export function problemFrom(error: unknown): Problem {
	if (error instanceof ApiError) return error.problem
	return {
		type: 'about:blank', title: 'Defect', status: -1, request_id: '',
		detail: `The page itself failed: ${(error as Error)?.message ?? String(error)}.`, hint: 'Load the page anew; if it stays, tell who runs this server.',
	}
}
