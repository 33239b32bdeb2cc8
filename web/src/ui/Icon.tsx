// The icons, drawn here: 20 units square, one stroke. Decorative unless a label is given.
const paths = {
	now: 'M3 10h3l2-5 4 10 2-5h3',
	incidents: 'M10 3 18 17H2L10 3Zm0 5v4m0 2.5v.1',
	checks: 'M3 10.5 7.5 15 17 5.5',
	services: 'M4 4h5v5H4V4Zm7 7h5v5h-5v-5Zm-4.5-2v4.5H11',
	oncall: 'M10 3a5 5 0 0 1 5 5v3l1.5 3h-13L5 11V8a5 5 0 0 1 5-5Zm-2 13.5a2 2 0 0 0 4 0',
	journal: 'M5 3h10v14H5V3Zm2.5 4h5m-5 3h5m-5 3h3',
	reviews: 'M4 3h9l3 3v11H4V3Zm3 6 1.500 1.500L12 7m-5 6h6',
	chart: 'M3 3v14h14M6 13l3-4 3 2 4-6',
	settings: 'M3 6h8m4 0h2M3 14h2m4 0h8M13 4v4M7 12v4',
	globe: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14Zm-6.500 7h13M10 3c4 4 4 10 0 14M10 3c-4 4-4 10 0 14',
	search: 'M9 3.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11Zm4 9.5 4 4',
	more: 'M4 10h.1M10 10h.1M16 10h.1',
	close: 'M5 5l10 10M15 5 5 15',
	plus: 'M10 4v12M4 10h12',
	play: 'M6 4l10 6-10 6V4Z',
	pause: 'M7 4v12M13 4v12',
	mute: 'M15 11V8a5 5 0 0 0-8.7-3.3M5 8v3l-1.5 3H14M8 16.5a2 2 0 0 0 4 0M3 3l14 14',
	note: 'M4 4h12v9l-4 4H4V4Zm8 13v-4h4',
	page: 'M4 6a2 2 0 0 1 2-2h8a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2H9l-4 3v-3.2A2 2 0 0 1 4 11V6Z',
	up: 'M10 16V5m-4.5 4L10 4.5 14.5 9',
	arrow: 'M4 10h12m-4.5-4.5L16 10l-4.5 4.5',
	undo: 'M7 4 3 8l4 4M3 8h9a4.5 4.5 0 0 1 0 9H8',
	copy: 'M7 7h9v10H7V7ZM4 13V3h9',
	edit: 'M4 16l.8-3.6L13.5 3.7l2.8 2.8-8.7 8.7L4 16Z',
	trash: 'M4 6h12M8 6V4h4v2m-6.5 0 .7 11h7.6l.7-11',
	link: 'M8.5 11.5a3 3 0 0 0 4.3 0l3-3a3 3 0 0 0-4.3-4.3l-1 1m1 3.3a3 3 0 0 0-4.3 0l-3 3a3 3 0 0 0 4.3 4.3l1-1',
	lock: 'M5 9h10v8H5V9Zm2 0V6.5a3 3 0 0 1 6 0V9',
	info: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14Zm0 6v4.5m0-7v.1',
	check: 'M4 10.5 8 14.5 16 6',
	clock: 'M10 3a7 7 0 1 1 0 14 7 7 0 0 1 0-14Zm0 3.5V10l2.5 2',
	sun: 'M10 7a3 3 0 1 1 0 6 3 3 0 0 1 0-6Zm0-4.5v1.5m0 12v1.5M2.5 10H4m12 0h1.5M4.7 4.7l1 1m8.6 8.6 1 1m0-10.6-1 1m-8.6 8.6-1 1',
	download: 'M10 3v10m-4-4 4 4 4-4M4 16.5h12',
	proof: 'M10 2.5 16 5v5c0 3.5-2.5 6-6 7.5C6.500 16 4 13.500 4 10V5l6-2.500Zm-2.500 7.500 2 2 3.500-4',
	chevron: 'M7 5l5 5-5 5',
} as const

export type IconName = keyof typeof paths

export function Icon({ name, size = 18, label }: { name: IconName, size?: number, label?: string }) {
	return (
		<svg width={size} height={size} viewBox="0 0 20 20" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round"
			{...(label ? { role: 'img', 'aria-label': label } : { 'aria-hidden': 'true' })}>
			<path d={paths[name]} />
		</svg>
	)
}
