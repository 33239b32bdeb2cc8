import { shortcuts } from '../lib/keys'
import { Dialog } from './Dialog'

export function Help({ onClose }: { onClose: () => void }) {
	return (
		<Dialog title="Keys" onClose={onClose}>
			<table class="table">
				<thead class="hidden-text"><tr><th>Keys</th><th>What they do</th></tr></thead>
				<tbody>
					{shortcuts().map((s) => (
						<tr key={s.keys + s.about}><td class="nowrap">{s.keys.split(' ').map((k, i) => <span key={i}>{i > 0 && <span class="quiet"> then </span>}<kbd>{k}</kbd></span>)}</td><td>{s.about}</td></tr>
					))}
				</tbody>
			</table>
		</Dialog>
	)
}
