// What is scraped: each target with its state, when it was asked last, how long that took and why it failed.
import { useData } from '../../api/data'
import type { PrometheusTargets } from '../../api/contract'
import { plural } from '../../lib/words'
import { Button } from '../../ui/Button'
import { Empty } from '../../ui/Empty'
import { Loaded } from '../../ui/Loaded'
import { CheckBadge } from '../../ui/State'
import { Time } from '../../ui/Time'
import { Wide } from '../../ui/Wide'

type Target = PrometheusTargets['data']['activeTargets'][number]

const SHOWN_MAX = 500
const rank = { down: 0, unknown: 1, up: 2 }
const never = (at: string) => at.startsWith('0001-')

/** The worst first, then by job and address. */
function sorted(targets: readonly Target[]): Target[] {
	return [...targets].sort((a, b) => rank[a.health] - rank[b.health] || a.scrapePool.localeCompare(b.scrapePool) || a.scrapeUrl.localeCompare(b.scrapeUrl))
}

function Rows({ targets }: { targets: readonly Target[] }) {
	return (
		<Wide of="Targets">
			<table class="table values">
				<thead><tr><th>Target</th><th class="right">State</th><th class="right">Last scrape</th><th class="right">Took</th></tr></thead>
				<tbody>
					{targets.map((one) => (
						<tr key={`${one.scrapePool} ${one.scrapeUrl} ${JSON.stringify(one.labels)}`}>
							<td>
								<strong>{one.scrapePool}</strong> <code>{one.labels['instance'] ?? one.scrapeUrl}</code>
								{one.lastError && <div class="s-down small">{one.lastError}</div>}
							</td>
							<td class="right"><CheckBadge state={one.health} /></td>
							<td class="right" data-label="Last">{never(one.lastScrape) ? 'not yet' : <Time at={one.lastScrape} only="relative" />}</td>
							<td class="num right" data-label="Took">{never(one.lastScrape) ? '–' : `${Math.round(one.lastScrapeDuration * 1000)} ms`}</td>
						</tr>
					))}
				</tbody>
			</table>
		</Wide>
	)
}

/** Why there is none: no file, a refused one, or one that names nobody yet. */
function Nothing({ config }: { config: PrometheusTargets['data']['scrapeConfig'] }) {
	if (config.state === 'none') {
		return <Empty small title="Nothing is scraped">Give <code>mainstay serve</code> the <code>prometheus.yml</code> you have: <code>--scrape-config FILE</code>.</Empty>
	}
	if (config.state === 'refused') return <Empty small title="Nothing is scraped">{config.error}</Empty>
	return <Empty small title="No target is found yet">The scrape config is loaded. Its jobs name no target, or their discovery has found none so far; the log says what went wrong with one.</Empty>
}

function Shown({ answer }: { answer: PrometheusTargets }) {
	const { activeTargets: active, droppedTargetCounts: counts, scrapeConfig: config } = answer.data
	const dropped = Object.values(counts).reduce((sum, count) => sum + count, 0)
	if (!active.length && !dropped) return <Nothing config={config} />
	const more = active.length - SHOWN_MAX
	return (
		<>
			{config.state === 'refused' && <p class="s-down small">{config.error}</p>}
			<Rows targets={sorted(active).slice(0, SHOWN_MAX)} />
			{more > 0 && <p class="small soft">{plural(more, 'target')} more: <code>mainstay targets</code> lists all.</p>}
			{dropped > 0 && <p class="small soft">Relabelling dropped {plural(dropped, 'target')}.</p>}
		</>
	)
}

export function Targets() {
	const targets = useData('prometheus_targets', {}, [])
	return (
		<section class="card" aria-labelledby="targets-head">
			<header><h2 id="targets-head">What is scraped</h2><Button size="small" onClick={() => void targets.refetch()}>Look again</Button></header>
			<Loaded of={targets}>{(answer) => <Shown answer={answer} />}</Loaded>
		</section>
	)
}
