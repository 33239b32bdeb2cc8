// Pure parts that live with a page.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hears } from '../src/api/data.ts'
import { pathOf } from '../src/api/client.ts'
import { sortChecks } from '../src/pages/checks/CheckTable.tsx'
import { headline } from '../src/pages/now/headline.ts'
import { extentOf } from '../src/ui/Chart.tsx'
import { oddCells } from '../src/pages/settings/MatrixEditor.tsx'

const none = { up: 0, down: 0, degraded: 0, muted: 0, paused: 0, unknown: 0, worst: [] }
const open = { state: 'open' }
const taken = { state: 'acknowledged' }

test('the headline names the worst thing and whether somebody is on it', () => {
	const say = (incidents, checks) => headline({ incidents, checks: { ...none, ...checks }, first_run: false })
	assert.deepEqual(say([open, taken], { down: 3 }), { tone: 'down', text: '1 incident waits for somebody' })
	assert.deepEqual(say([open, open], {}), { tone: 'down', text: '2 incidents wait for somebody' })
	assert.deepEqual(say([taken], { down: 3 }), { tone: 'taken', text: '1 incident, and somebody is on it' })
	assert.deepEqual(say([], { down: 1, up: 5 }), { tone: 'down', text: '1 check is down' })
	assert.deepEqual(say([], { degraded: 2, up: 5 }), { tone: 'degraded', text: '2 checks are degraded' })
	assert.deepEqual(say([], { up: 5 }), { tone: 'up', text: 'Everything is up' })
	assert.deepEqual(say([], { up: 5, unknown: 1 }), { tone: 'up', text: 'Nothing is wrong; 1 check not known yet' })
	assert.deepEqual(say([], {}), { tone: 'unknown', text: 'Nothing is watched yet' })
})

test('checks are sorted worst first, then by name, and can be turned round', () => {
	const check = (display, state, month, ms) => ({ display, state, uptime: { month }, last_latency_ms: ms })
	const rows = [check('b', 'up', 99, 10), check('a', 'up', null, null), check('z', 'down', 90, 5), check('m', 'paused', 100, 1)]
	const names = (sort) => sortChecks(rows, sort).map((r) => r.display).join('')
	assert.equal(names('state'), 'zabm')
	assert.equal(names('-state'), 'mabz')
	assert.equal(names('uptime'), 'zbma')
	assert.equal(names('latency'), 'bzma')
	assert.equal(names('nonsense'), 'zabm')
})

test('a page hears the events of its rooms and no others', () => {
	assert.equal(hears(['incident'], 'incident.opened'), true)
	assert.equal(hears(['incident'], 'incidental.thing'), false)
	assert.equal(hears(['incident'], 'check.down'), false)
	assert.equal(hears(['*'], 'check.down'), true)
	assert.equal(hears([], 'incident.opened'), false)
	assert.equal(hears(['incident'], 'reset'), true)
})

test('an address is made from the contract, with every value escaped', () => {
	assert.equal(pathOf('incident_get', { id: 12 }), '/api/v1/incidents/12')
	assert.equal(pathOf('check_get', { name: 'a/b?c' }), '/api/v1/checks/a%2Fb%3Fc')
	assert.equal(pathOf('incident_list', { state: ['open', 'acknowledged'], q: '', limit: 5 }), '/api/v1/incidents?state=open%2Cacknowledged&limit=5')
})

test('a matrix that is more pressing away from high is pointed out', () => {
	assert.equal(oddCells([['P1', 'P2'], ['P2', 'P3']]), false)
	assert.equal(oddCells([['P2', 'P1'], ['P2', 'P3']]), true)
	assert.equal(oddCells([['P2', 'P3'], ['P1', 'P3']]), true)
})

test('a chart shows its whole span, or where results are when they fill less than half of it', () => {
	const at = (minute) => new Date(Date.UTC(2026, 0, 1, 0, minute)).toISOString()
	const series = (first) => ({ from: at(0), to: at(60), step: 'minute', points: [{ at: at(first), count: 3 }, { at: at(59), count: 3 }] })
	const minutes = (first) => extentOf(series(first)).map((s) => (s - Date.parse(at(0)) / 1000) / 60)
	assert.deepEqual(minutes(10), [0, 60])
	assert.deepEqual(minutes(50), [48, 60])
	assert.deepEqual(extentOf({ ...series(50), points: [] }), [Date.parse(at(0)) / 1000, Date.parse(at(60)) / 1000])
})
