// The pure parts of the UI. Run by `npm test`; the reader's zone is set below, the server's is always UTC.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layOut } from '../src/lib/lanes.ts'
import { columnsOf, refusalOf, seriesName, seriesOf, spanOf, stepOf, valueText } from '../src/pages/query/answer.ts'
import { matchPath } from '../src/lib/route.ts'
import { cleanSpec, emptySpec, isMeant } from '../src/lib/spec.ts'
import { storyOf, waysInWords } from '../src/lib/story.ts'
import { EventParser } from '../src/lib/sse.ts'
import { addDays, clockText, countdownText, DAY, durationText, fullText, HOUR, MINUTE, offsetText, parseDuration, relativeText, startOfDay, toServer } from '../src/lib/time.ts'
import { initials, latencyText, listText, percentText, slug } from '../src/lib/words.ts'

process.env.TZ = 'Europe/Stockholm'
const at = (text) => Date.parse(text)

test('a duration is read in all its units and nothing else is', () => {
	assert.equal(parseDuration('1h30m'), 90 * MINUTE)
	assert.equal(parseDuration('7d'), 7 * DAY)
	assert.equal(parseDuration('250ms'), 250)
	for (const bad of ['', '5', 'm5', '5 m', '1h-2m', '5x']) assert.equal(parseDuration(bad), undefined, bad)
})

test('series are named as people write them', () => {
	assert.equal(seriesName({ job: 'a', __name__: 'up', x: 'a"b' }), 'up{job="a", x="a\\"b"}')
	assert.equal(seriesName({ __name__: 'up' }), 'up')
	assert.equal(seriesName({}), '{}')
})

test('an answer becomes columns on the grid of its query, with holes where nothing is', () => {
	const answer = { status: 'success', data: { resultType: 'matrix', result: [
		{ metric: { __name__: 'up' }, values: [[100, '1'], [130, 'NaN'], [145, '+Inf'], [160, '-2.5']] },
		{ metric: {}, values: [] },
	] } }
	const series = seriesOf(answer)
	assert.deepEqual(columnsOf(series, 100, 160, 15), [[100, 115, 130, 145, 160], [1, null, null, null, -2.5], [null, null, null, null, null]])
	assert.deepEqual(seriesOf({ status: 'success', data: { resultType: 'scalar', result: [1, '2'] } }), [])
})

test('steps are round, and no span has more points than fit a screen', () => {
	assert.equal(stepOf(900), 5)
	assert.equal(stepOf(3600), 15)
	assert.equal(stepOf(604_800), 3600)
	assert.ok(3_000_000 / stepOf(3_000_000) <= 240)
})

test('a span ends now, so that what is only minutes old is in it, whatever the step', () => {
	const now = 1_796_085_125_262
	for (const seconds of [900, 3600, 604_800]) {
		const { start, end, step } = spanOf(seconds, now)
		assert.ok(end * 1000 >= now && end * 1000 < now + 1000)
		assert.equal((end - start) % step, 0)
		assert.ok(end - start <= seconds && end - start > seconds - step)
	}
})

test('a value is told in few digits, and those that are no number by name', () => {
	assert.deepEqual([0, 1.5, 0.123456789, 1234567, 1e-7, NaN, Infinity, -Infinity, null].map(valueText),
		['0', '1.5', '0.12346', '1.235M', '1.00e-7', 'NaN', '+Inf', '-Inf', '–'])
})

test('a refused expression says where', () => {
	assert.deepEqual(refusalOf('invalid parameter "query": 2:5: parse error: unexpected ")"'), { text: 'unexpected ")"', line: 2, column: 5 })
	assert.deepEqual(refusalOf('query timed out'), { text: 'query timed out' })
})

test('a duration is told in its two largest parts', () => {
	assert.equal(durationText(3 * DAY + 4 * HOUR + 5 * MINUTE), '3 d 4 h')
	assert.equal(durationText(3 * DAY + 5 * MINUTE), '3 d')
	assert.equal(durationText(40_000), '40 s')
	assert.equal(durationText(0), '0 s')
})

test('the distance from now says which way it is', () => {
	const now = at('2026-11-23T03:12:00Z')
	assert.equal(relativeText(now - 4 * MINUTE, now), '4 min ago')
	assert.equal(relativeText(now + 26 * HOUR, now), 'in 1 d 2 h')
	assert.equal(relativeText(now - 2000, now), 'now')
})

test('a countdown never goes below zero and shows hours only when there are any', () => {
	assert.equal(countdownText(245_000), '4:05')
	assert.equal(countdownText(3_729_000), '1:02:09')
	assert.equal(countdownText(-5), '0:00')
	assert.equal(countdownText(100), '0:01')
})

test('a time is shown in the reader\'s zone, with the offset of that day', () => {
	assert.equal(fullText(at('2026-11-23T03:12:44Z')), '2026-11-23 04:12:44 +01:00')
	assert.equal(fullText(at('2026-07-23T03:12:44Z')), '2026-07-23 05:12:44 +02:00')
	assert.equal(offsetText(at('2026-11-23T03:12:44Z'), 'Asia/Kolkata'), '+05:30')
	assert.equal(offsetText(at('2026-11-23T03:12:44Z'), 'UTC'), '+00:00')
})

test('a clock is as short as it can be without being misread', () => {
	const now = at('2026-11-23T12:00:00Z')
	assert.equal(clockText(at('2026-11-23T03:12:00Z'), now), '04:12')
	assert.equal(clockText(at('2026-11-21T03:12:00Z'), now), 'Sat 04:12')
	assert.equal(clockText(at('2026-10-01T03:12:00Z'), now), '1 Oct 05:12')
	assert.equal(clockText(at('2025-10-01T03:12:00Z'), now), '1 Oct 2025 05:12')
})

test('a day over the end of summer time is one calendar day of 25 hours', () => {
	const begin = startOfDay(at('2026-10-25T10:00:00Z'))
	assert.equal(addDays(begin, 1) - begin, 25 * HOUR)
	assert.equal(toServer(begin), '2026-10-24T22:00:00Z')
})

test('uptime never rounds up to 100 percent', () => {
	assert.equal(percentText(99.999), '99.99%')
	assert.equal(percentText(100), '100%')
	assert.equal(percentText(98.76), '98.7%')
	assert.equal(percentText(null), '–')
})

test('small words', () => {
	assert.equal(latencyText(0.4), '<1 ms')
	assert.equal(latencyText(2310), '2.31 s')
	assert.equal(listText(['Ada', 'Bo', 'Cy']), 'Ada, Bo and Cy')
	assert.equal(initials('Ada King Lovelace'), 'AL')
	assert.equal(initials('ops'), 'OP')
	assert.equal(slug('  My Wéb Shop!! '), 'my-web-shop')
	assert.match(slug(`${'x'.repeat(62)}- y`), /^[a-z0-9]([a-z0-9._-]*[a-z0-9])?$/)
})

test('an address fits its pattern or does not', () => {
	assert.deepEqual(matchPath('/incidents/:id', '/incidents/12'), { id: '12' })
	assert.deepEqual(matchPath('/incidents/:id', '/incidents/12/'), { id: '12' })
	assert.deepEqual(matchPath('/checks/:name', '/checks/a%2Fb'), { name: 'a/b' })
	assert.equal(matchPath('/incidents/:id', '/incidents'), undefined)
	assert.equal(matchPath('/incidents/:id', '/incidents/'), undefined)
	assert.equal(matchPath('/checks/:name', '/checks/%E0%A4%A'), undefined)
	assert.deepEqual(matchPath('/', '/'), {})
})

test('events are the same however the bytes are cut', () => {
	const text = ': beat\r\nid: 7\r\nevent: incident.opened\r\ndata: {"a":\r\ndata: 1}\r\n\r\nid: 8\ndata:x\n\ndata\n\n'
	const want = [{ id: '7', event: 'incident.opened', data: '{"a":\n1}' }, { id: '8', event: 'message', data: 'x' }, { id: '8', event: 'message', data: '' }]
	for (let size = 1; size <= text.length; size++) {
		const got = []
		const parser = new EventParser((event) => got.push(event))
		for (let i = 0; i < text.length; i += size) parser.push(text.slice(i, i + size))
		assert.deepEqual(got, want, `cut every ${size}`)
	}
})

test('an event that is not finished is not delivered', () => {
	const got = []
	const parser = new EventParser((event) => got.push(event))
	parser.push('id: 9\ndata: half\n')
	assert.equal(got.length, 0)
	parser.push('\n')
	assert.equal(got.length, 1)
})

test('a shift over the end of a row goes on in the next one, and nothing is lost', () => {
	const start = at('2026-10-19T00:00:00Z')
	const items = [{ from: '2026-10-23T07:00:00Z', to: '2026-10-30T08:00:00Z' }]
	const rows = layOut(items, start, 4, 7)
	assert.equal(rows.length, 4)
	const pieces = rows.flatMap((row) => row.pieces.map((p) => ({ ms: (p.width / 100) * (row.to - row.from), begins: p.begins, ends: p.ends })))
	assert.deepEqual(pieces.map((p) => [p.begins, p.ends]), [[true, false], [false, true]])
	assert.ok(Math.abs(pieces.reduce((sum, p) => sum + p.ms, 0) - (at(items[0].to) - at(items[0].from))) < 1)
	assert.equal(rows[0].to - rows[0].from, 7 * DAY + HOUR, 'the row over the clock change is an hour longer')
})

const fields = [
	{ name: 'kind', type: 'enum', values: ['http', 'tcp'], required: true, default: 'http', about: '' },
	{ name: 'url', type: 'url', required: true, default: null, about: '', when: { field: 'kind', values: ['http'] } },
	{ name: 'port', type: 'port', required: true, default: null, about: '', when: { field: 'kind', values: ['tcp'] } },
	{ name: 'expect', type: 'object', required: false, default: null, about: '', fields: [{ name: 'status', type: 'text', required: false, default: '200-399', about: '' }] },
	{ name: 'tags', type: 'list', item: 'text', required: false, default: null, about: '' },
	{ name: 'paused', type: 'bool', required: false, default: 'false', about: '' },
]

test('what a form sends has no empty field, no field of another kind, and numbers as numbers', () => {
	const typed = { kind: 'tcp', url: 'https://left.behind/', port: '5432', expect: { status: ' ' }, tags: ['a', '', ' b '], paused: false, future: 1 }
	assert.deepEqual(cleanSpec(fields, typed), { kind: 'tcp', port: 5432, tags: ['a', 'b'], paused: false, future: 1 })
})

test('a number that is none stays as typed, for the server to say what is wrong', () => {
	assert.equal(cleanSpec(fields, { kind: 'tcp', port: '54x' }).port, '54x')
})

test('a field follows the default of the field it depends on', () => {
	assert.equal(isMeant(fields[1], {}, fields), true)
	assert.equal(isMeant(fields[2], {}, fields), false)
	assert.deepEqual(emptySpec(fields), { kind: 'http' })
})

const step = (seq, kind, details = {}, text = '') => ({ seq, at: '2026-03-08T03:12:00Z', recorded_at: '2026-03-08T03:12:00Z', actor: null, kind, text, details })
const moved = (seq, action, targets = [], text = '') => step(seq, 'escalation.moved', { action, targets, text }, text)

test('a timeline is told once: what Mainstay did because of a line is folded into it, and nothing is lost', () => {
	const items = [
		step(1, 'incident.opened'), moved(2, 'started', [{ user: 1 }], 'Paged Ada.'),
		step(3, 'page.created', { page: 7, channel: 'webhook' }), step(4, 'page.created', { page: 8, channel: 'ntfy' }),
		step(5, 'page.attempted', { page: 7, state: 'sent' }), step(6, 'page.attempted', { page: 8, state: 'retry' }),
		step(7, 'incident.acknowledged'), step(8, 'page.cancelled', { page: 8 }), moved(9, 'acknowledged'),
		step(10, 'incident.noted'), step(11, 'incident.resolved'), moved(12, 'stopped'), step(15, 'update.planned'),
		step(13, 'page.created', { page: 9, channel: 'webhook' }), step(14, 'page.attempted', { page: 9, state: 'failed' }),
	]
	const story = storyOf(items)
	assert.deepEqual(story.map((chapter) => chapter.item.seq), [1, 2, 7, 10, 11])
	assert.deepEqual(story[1].ways, [{ page: 7, channel: 'webhook', state: 'sent' }, { page: 8, channel: 'ntfy', state: 'cancelled' }])
	assert.deepEqual(story[4].ways, [{ page: 9, channel: 'webhook', state: 'failed' }])
	const told = story.flatMap((chapter) => [chapter.item, ...chapter.steps]).map((item) => item.seq).sort((a, b) => a - b)
	assert.deepEqual(told, items.map((item) => item.seq).sort((a, b) => a - b))
})

test('a step that pages somebody or says something keeps its line', () => {
	const story = storyOf([moved(1, 'stopped'), moved(2, 'urgency', [{ user: 1 }], 'Paged Ada.'), moved(3, 'stepped', [], 'Nobody is at step 2; it was passed.'),
		moved(4, 'lapsed', [{ user: 2 }], 'Ada did not say.'), step(5, 'incident.ack_lapsed'), step(6, 'page.attempted', { page: 99, state: 'sent' })])
	assert.deepEqual(story.map((chapter) => chapter.item.seq), [1, 2, 3, 4, 6])
})

test('the same way to several people is one word', () => {
	const ways = [1, 2, 3].map((page) => ({ page, channel: 'email', state: page < 3 ? 'sent' : 'failed' }))
	assert.deepEqual(waysInWords(ways), [{ words: 'email ×2', state: 'sent' }, { words: 'email', state: 'failed' }])
})
