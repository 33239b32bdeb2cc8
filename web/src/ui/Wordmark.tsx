// A mast, its two stays and the deck: the mainstay is the rope that keeps the mast up.
export function Mark({ size = 24 }: { size?: number }) {
	return (
		<svg width={size} height={size} viewBox="0 0 24 24" fill="none" stroke="currentColor" aria-hidden="true">
			<path d="M12 3v15" stroke-width="2.6" stroke-linecap="round" />
			<path d="M12 3.500 3.500 18M12 3.500 20.500 18" stroke-width="1.700" stroke-linecap="round" />
			<path d="M2 20.500c3.300 1.300 6.700 1.300 10 0s6.700-1.300 10 0" stroke-width="2.100" stroke-linecap="round" />
		</svg>
	)
}

export function Wordmark() {
	return <a class="wordmark" href="/" aria-label="Mainstay, to the page Now"><Mark /><span>Mainstay</span></a>
}
