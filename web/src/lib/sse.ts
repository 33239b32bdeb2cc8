// Reads a text/event-stream from bytes. EventSource cannot be used: it delivers a named event only to a
// listener of that name, and the kinds of the journal are not ours to list here; it also hides the HTTP
// status, and 401 must lead to the sign-in page while 503 must lead to a retry.

export interface StreamEvent { id: string, event: string, data: string }

/** Feed it text as it comes; it calls back once an event is whole. Follows the WHATWG rules for fields. */
export class EventParser {
	private buffer = ''
	private id = ''
	private event = ''
	private data: string[] = []

	constructor(private readonly deliver: (event: StreamEvent) => void) {}

	push(text: string): void {
		this.buffer += text
		let end: number
		while ((end = this.buffer.search(/[\r\n]/)) >= 0) {
			// A CR at the very end may be half of CRLF: wait for the next bytes.
			if (this.buffer[end] === '\r' && end + 1 === this.buffer.length) return
			const width = this.buffer.startsWith('\r\n', end) ? 2 : 1
			this.line(this.buffer.slice(0, end))
			this.buffer = this.buffer.slice(end + width)
		}
	}

	private line(line: string): void {
		if (line === '') return this.finish()
		if (line.startsWith(':')) return
		const colon = line.indexOf(':')
		const field = colon < 0 ? line : line.slice(0, colon)
		const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1))
		if (field === 'id' && !value.includes('\0')) this.id = value
		else if (field === 'event') this.event = value
		else if (field === 'data') this.data.push(value)
	}

	private finish(): void {
		if (this.data.length) this.deliver({ id: this.id, event: this.event || 'message', data: this.data.join('\n') })
		this.event = ''
		this.data = []
	}
}
