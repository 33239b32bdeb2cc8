import { go } from '../../lib/route'
import { Page } from '../../ui/Page'
import { Discovery } from './Discovery'

export default function DiscoveryPage() {
	return (
		<Page title="Watch what runs here" crumb={{ href: '/checks', text: 'Checks' }} sub="Found by looking at this host's listening sockets. Nothing is sent to them beyond one short hello.">
			<Discovery onWatched={() => go('/checks')} />
		</Page>
	)
}
