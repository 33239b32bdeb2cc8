import { useData } from '../../api/data'
import { may } from '../../lib/may'
import { plural } from '../../lib/words'
import { Empty } from '../../ui/Empty'
import { Loaded } from '../../ui/Loaded'

export function Teams() {
	const list = useData('definition_list', { kind: 'Team', limit: 200 }, ['definition', 'resource'])
	return (
		<section class="card">
			<header><h2>Teams</h2>{may('manage') && <a class="button small" href="/definitions/Team/new/edit">Add a team</a>}</header>
			<Loaded of={list}>
				{(data) => (data.items.length === 0 ? <Empty small title="No team yet">A team owns services and is paged as a whole at the last resort.</Empty> : (
					<ul class="rows">
						{data.items.map(({ metadata, spec }) => {
							const members = (spec['members'] ?? []) as string[]
							return (
								<li key={metadata.name} class="row">
									<div class="grow"><strong>{String(spec['display'] ?? metadata.name)}</strong><div class="small soft">{members.length > 0 ? members.join(', ') : 'no members'}</div></div>
									<span class="small quiet">{plural(members.length, 'member')}</span>
									{may('manage') && <a class="button small" href={`/definitions/Team/${metadata.name}/edit`}>Edit</a>}
								</li>
							)
						})}
					</ul>
				))}
			</Loaded>
		</section>
	)
}
