/** Grey lines in the shape of what comes, so that nothing jumps when it is there. */
export function Skeleton({ lines = 6, height = 18 }: { lines?: number, height?: number }) {
	return (
		<div class="stack" aria-busy="true">
			<span class="hidden-text" role="status">Loading</span>
			{Array.from({ length: lines }, (_, i) => <span key={i} class="skeleton" style={{ height: `${height}px`, width: `${[96, 82, 90, 68, 88, 74][i % 6]}%` }} />)}
		</div>
	)
}
