// The pages of an incident with every delivery step: what was tried, when, and what the other side said.
import type { Page } from '../../api/contract'
import { latencyText } from '../../lib/words'
import { PageBadge } from '../../ui/State'
import { Time } from '../../ui/Time'

export const channelWords: Record<Page['channel'], string> = { browser: 'Browser', ntfy: 'ntfy', email: 'E-mail', webhook: 'Webhook', command: 'Command' }

export function Attempts({ page }: { page: Page }) {
	return (
		<ol class="attempts">
			{page.attempts.map((a, i) => <li key={i}><PageBadge state={a.state} /><Time at={a.at} only="clock" /><span class="num quiet">{latencyText(a.duration_ms)}</span><span class="soft detail">{a.detail}</span></li>)}
			{page.attempts.length === 0 && <li class="quiet">Not tried yet.</li>}
		</ol>
	)
}

export function Pages({ pages }: { pages: readonly Page[] }) {
	if (pages.length === 0) return <p class="small soft">Nobody was paged.</p>
	return (
		<ul class="rows pages">
			{pages.map((page) => (
				<li key={page.id}>
					<details>
						<summary>
							<span class="grow small"><strong>{page.user.name}</strong> <span class="quiet">{channelWords[page.channel]}</span></span>
							<span class="small"><PageBadge state={page.state} /></span>
							<span class="small quiet"><Time at={page.created_at} only="clock" /></span>
						</summary>
						<Attempts page={page} />
						<pre class="message">{page.text}</pre>
					</details>
				</li>
			))}
		</ul>
	)
}
