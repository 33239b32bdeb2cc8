// The list as shown, as CSV: the server writes it when asked by the Accept header, which a plain link cannot send.
import { attempt } from '../api/act'
import { ApiError, pathOf, problemFromAnswer } from '../api/client'
import type { Operations } from '../api/contract'
import { Button } from './Button'

const ROWS_MAX = 200

type Lists = 'incident_list' | 'check_list' | 'journal_list' | 'review_list' | 'review_action_list'

async function download(url: string, name: string): Promise<void> {
	const response = await fetch(url, { headers: { accept: 'text/csv' }, cache: 'no-store', credentials: 'same-origin' })
	if (!response.ok) throw new ApiError(await problemFromAnswer(response))
	const link = document.createElement('a')
	link.href = URL.createObjectURL(await response.blob())
	link.download = `${name}.csv`
	link.click()
	URL.revokeObjectURL(link.href)
}

export function CsvButton<K extends Lists>({ id, params, name }: { id: K, params: Operations[K]['params'], name: string }) {
	const url = pathOf(id, { ...params, limit: ROWS_MAX } as never)
	return <Button kind="plain" icon="download" title={`The first ${ROWS_MAX} rows as CSV`} onClick={() => attempt(() => download(url, name))}>CSV</Button>
}
