// One report: what somebody wrote, what is proposed for it and why, and what a responder can do with it.
import { useState } from 'preact/hooks'
import { attempt } from '../../api/act'
import { call } from '../../api/client'
import type { Operations, Report } from '../../api/contract'
import { offerUndo, say } from '../../lib/toast'
import { may } from '../../lib/may'
import { go } from '../../lib/route'
import { Button } from '../../ui/Button'
import { Dialog } from '../../ui/Dialog'
import { Field, Text } from '../../ui/Field'
import { Matrix } from '../../ui/Matrix'
import { PriorityBadge } from '../../ui/State'
import { Time } from '../../ui/Time'

type Verb = 'report_accept' | 'report_join' | 'report_duplicate' | 'report_answer' | 'report_reject'
type Ask = 'join' | 'duplicate' | 'answer' | 'reject' | 'why' | undefined

const severities = { stopped: 'It does not work at all', hindered: 'It works, but slowly or in part', small: 'A small thing' }
const states = { new: 'New', accepted: 'Accepted', joined: 'Counted to an incident', duplicate: 'Says the same as another', answered: 'Answered', rejected: 'Set aside' }

async function act<K extends Verb>(verb: K, id: number, body: NonNullable<Operations[K]['body']>, done: string): Promise<Report | undefined> {
	const result = await attempt(() => (call as Function)(verb, { id }, body) as Promise<Operations[K]['answer']>)
	if (!result) return undefined
	if (result.undo_until) offerUndo(done, Date.parse(result.undo_until), () => attempt(() => call('report_undo', { id }, { seq: result.seq }), 'Undone'))
	else say(done)
	return result.report
}

/** One question with one answer: a number or a text. */
function AskDialog({ title, label, about, number, start, send, button, onClose }: { title: string, label: string, about: string, number?: boolean, start?: string | undefined, send: (text: string) => Promise<unknown>, button: string, onClose: () => void }) {
	const [text, setText] = useState(start ?? '')
	const fine = number ? /^[1-9]\d*$/.test(text.trim()) : text.trim() !== ''
	const submit = async (event: Event) => {
		event.preventDefault()
		if (await send(text.trim())) onClose()
	}
	return (
		<Dialog title={title} onClose={onClose}>
			<form class="form" onSubmit={submit}>
				<Field label={label} about={about}>
					{number ? <Text value={text} onInput={setText} type="number" min="1" autofocus /> : <Text value={text} onInput={setText} lines={4} maxLength={2000} autofocus />}
				</Field>
				<div class="actions"><Button kind="primary" type="submit" disabled={!fine}>{button}</Button><Button kind="plain" onClick={onClose}>Cancel</Button></div>
			</form>
		</Dialog>
	)
}

function Dialogs({ report, ask, close }: { report: Report, ask: Ask, close: () => void }) {
	const { id } = report
	if (ask === 'join') return <AskDialog title="Count it to an incident" label="Number of the incident" about="Whoever sent it is told when that incident is over." number start={report.suggested?.id.toString()} button="Count it" onClose={close} send={(text) => act('report_join', id, { incident: Number(text) }, 'Counted to the incident')} />
	if (ask === 'duplicate') return <AskDialog title="It says what another report says" label="Number of the other report" about="It counts with the other one, and its sender is told the same." number button="It is the same" onClose={close} send={(text) => act('report_duplicate', id, { of: Number(text) }, 'Marked as the same')} />
	if (ask === 'answer') return <AskDialog title="Answer the sender" label="What they are told" about={report.confirmed ? 'Sent by mail after ten seconds, in which it can be taken back.' : report.wants_news ? 'The sender has not confirmed an address yet; they are told when they do.' : 'The sender left no address: the answer is kept here only.'} button="Answer" onClose={close} send={(text) => act('report_answer', id, { text }, 'Answered')} />
	if (ask === 'reject') return <AskDialog title="Set the report aside" label="Why" about="Read by those inside only." button="Set aside" onClose={close} send={(reason) => act('report_reject', id, { reason }, 'Set aside')} />
	if (ask === 'why') return (
		<Dialog title={`Why ${report.proposed.priority} is proposed`} onClose={close}>
			<div class="stack">
				<Matrix matrix={report.proposed.why.matrix} here={report.proposed.why.cell} />
				<dl class="facts">
					<dt>Impact</dt><dd><strong>{report.proposed.why.impact}:</strong> {report.proposed.why.impact_reason}</dd>
					<dt>Urgency</dt><dd><strong>{report.proposed.why.urgency}:</strong> {report.proposed.why.urgency_reason}</dd>
				</dl>
			</div>
		</Dialog>
	)
	return null
}

function Acts({ report, ask }: { report: Report, ask: (what: Ask) => void }) {
	const accept = async () => {
		const now = await act('report_accept', report.id, {}, 'An incident is open for it')
		if (now?.incident) go(`/incidents/${now.incident}`)
	}
	const join = () => act('report_join', report.id, { incident: report.suggested!.id }, `Counted to incident ${report.suggested!.id}`)
	return (
		<div class="row report-acts">
			{report.suggested && <Button kind="primary" onClick={join}>{`Count to #${report.suggested.id}`}</Button>}
			<Button {...(report.suggested ? {} : { kind: 'primary' as const })} onClick={accept} title="Opens an incident and pages who is on call">Open an incident</Button>
			{!report.suggested && <Button onClick={() => ask('join')}>Count to an incident</Button>}
			<Button onClick={() => ask('duplicate')}>Same as</Button>
			<Button onClick={() => ask('answer')}>Answer</Button>
			<Button onClick={() => ask('reject')}>Set aside</Button>
		</div>
	)
}

function Outcome({ report }: { report: Report }) {
	return (
		<div class="small soft">
			<strong>{states[report.state]}</strong>
			{report.incident !== null && <> · <a href={`/incidents/${report.incident}`}>incident #{report.incident}</a></>}
			{report.duplicate_of !== null && <> · as report {report.duplicate_of}</>}
			{report.triaged_by && <> · {report.triaged_by.name}</>}
			{report.triaged_at && <> · <Time at={report.triaged_at} /></>}
			{report.reason && <div>{report.reason}</div>}
			{report.verdict && <div><strong>{report.verdict === 'fixed' ? 'The sender says that it is fixed.' : 'The sender says that it is not fixed.'}</strong></div>}
		</div>
	)
}

export function ReportCard({ report, brief }: { report: Report, brief?: boolean }) {
	const [ask, setAsk] = useState<Ask>()
	const erase = () => confirm('Erase what was written, and the address, for good?') && attempt(() => call('report_erase', { id: report.id }, {}), 'Erased')
	return (
		<li class={brief ? 'stack tight' : 'card stack tight'} data-report={report.id}>
			<div class="row">
				<PriorityBadge priority={report.proposed.priority} />
				<button type="button" class="linklike small" onClick={() => setAsk('why')}>proposed, why?</button>
				{report.state === 'new' && report.verdict === 'not_fixed' && <strong class="small s-down">Not fixed</strong>}
				<span class="grow" />
				<span class="small quiet">no. {report.id} · <Time at={report.received_at} /></span>
			</div>
			<p class="report-words">{report.text ?? <span class="quiet">What was written has been erased.</span>}</p>
			<div class="small soft">
				{severities[report.severity]}
				{report.service && <> · <a href={`/services/${report.service}`}>{report.service}</a></>}
				{report.page && <> · {report.component && <>“{report.component}” on </>}{report.page_title ?? report.page}</>}
				{report.since && <> · since <Time at={report.since} /></>}
				{report.by ? <> · {report.by.name}</> : <> · somebody outside</>}
				{report.confirmed ? <> · is told</> : report.wants_news && <> · has not confirmed an address</>}
			</div>
			{report.suggested && <div class="small">{report.verdict === 'not_fixed' ? 'About' : 'Most likely'} <a href={`/incidents/${report.suggested.id}`}>#{report.suggested.id} {report.suggested.title}</a> <span class="quiet">({report.suggested.reason})</span></div>}
			{report.state === 'new' ? may('respond') && !brief && <Acts report={report} ask={setAsk} /> : <Outcome report={report} />}
			{!brief && may('manage') && report.erased !== 'all' && report.state !== 'new' && <div><Button size="small" kind="plain" icon="trash" onClick={erase}>Erase what was written</Button></div>}
			<Dialogs report={report} ask={ask} close={() => setAsk(undefined)} />
		</li>
	)
}
