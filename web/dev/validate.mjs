// A small JSON Schema check, enough for openapi.yaml: every answer of the fixture server goes through it, so that the
// pages are never developed against an answer that the real server may not give. Tests may use it on real answers too.
import { loadContract, operationsOf } from '../gen-types.mjs'

const contract = loadContract()
const operations = operationsOf(contract)

function resolve(schema) {
	if (!schema.$ref) return schema
	return schema.$ref.slice(2).split('/').reduce((node, key) => node[key], contract)
}

function typeFits(type, value) {
	if (type === 'null') return value === null
	if (type === 'array') return Array.isArray(value)
	if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
	if (type === 'integer') return Number.isInteger(value)
	return typeof value === type
}

function checkObject(schema, value, path, out) {
	for (const key of schema.required ?? []) if (!(key in value)) out.push(`${path}: "${key}" is missing`)
	for (const [key, item] of Object.entries(value)) {
		const own = schema.properties?.[key]
		if (own) check(own, item, `${path}.${key}`, out)
		else if (schema.additionalProperties === false) out.push(`${path}: "${key}" is not in the contract`)
		else if (typeof schema.additionalProperties === 'object') check(schema.additionalProperties, item, `${path}.${key}`, out)
	}
}

function check(given, value, path, out) {
	const schema = resolve(given)
	if (schema.oneOf) {
		const tries = schema.oneOf.map((one) => { const bad = []; check(one, value, path, bad); return bad })
		if (!tries.some((bad) => bad.length === 0)) out.push(...tries.reduce((a, b) => (b.length < a.length ? b : a)))
		return
	}
	if (schema.const !== undefined && value !== schema.const) return void out.push(`${path}: is not ${JSON.stringify(schema.const)}`)
	if (schema.enum && !schema.enum.includes(value)) return void out.push(`${path}: ${JSON.stringify(value)} is not one of ${schema.enum.join(', ')}`)
	const types = [schema.type].flat().filter(Boolean)
	if (types.length && !types.some((t) => typeFits(t, value))) return void out.push(`${path}: ${JSON.stringify(value)} is not ${types.join(' or ')}`)
	if (typeof value === 'string' && schema.pattern && !new RegExp(schema.pattern).test(value)) out.push(`${path}: "${value}" does not match ${schema.pattern}`)
	if (Array.isArray(value)) {
		if (schema.maxItems !== undefined && value.length > schema.maxItems) out.push(`${path}: more than ${schema.maxItems} items`)
		if (schema.items) value.forEach((item, i) => check(schema.items, item, `${path}[${i}]`, out))
	} else if (typeof value === 'object' && value !== null) checkObject(schema, value, path, out)
}

/** Which operation a method and path (without /api/v1) are; with the values of its path parameters. */
export function findOperation(method, path) {
	const have = path.split('/')
	const fits = operations.filter((o) => o.method === method).map((operation) => {
		const want = operation.path.split('/')
		const params = {}
		const ok = want.length === have.length && want.every((part, i) => {
			if (!part.startsWith('{')) return part === have[i]
			params[part.slice(1, -1)] = decodeURIComponent(have[i])
			return true
		})
		return ok ? { operation, params } : undefined
	}).filter(Boolean)
	// A fixed part beats a parameter: /checks/test is not the check "test".
	return fits.sort((a, b) => Object.keys(a.params).length - Object.keys(b.params).length)[0]
}

/** What is wrong with an answer, as sentences; empty when it keeps the contract. */
export function checkAnswer(operation, status, body) {
	const out = []
	const responses = operation.operation.responses
	const response = resolve(responses[status] ?? responses.default ?? {})
	if (!responses[status] && status < 400) return [`${operation.id}: status ${status} is not in the contract`]
	const content = response.content?.['application/json'] ?? response.content?.['application/problem+json']
	if (content) check(content.schema, body, operation.id, out)
	return out
}

export { operations }
