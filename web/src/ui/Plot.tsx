// A uPlot in its box: fetched only when one is shown, as wide as the page lets it be, drawn anew when what it shows changes.
import { useEffect, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import { Skeleton } from './Skeleton'

interface Props {
	about: string
	height: number
	/** What to draw; called again when one of `of` changes. The size comes from the box. */
	draw: () => { options: Omit<uPlot.Options, 'width' | 'height'>, columns: uPlot.AlignedData }
	of: readonly unknown[]
}

export function Plot({ about, height, draw, of }: Props) {
	const ref = useRef<HTMLDivElement>(null)
	const [ready, setReady] = useState(false)
	useEffect(() => {
		let gone = false
		let plot: uPlot | undefined
		let observer: ResizeObserver | undefined
		void import('uplot').then(({ default: Uplot }) => {
			const box = ref.current
			if (gone || !box) return
			setReady(true)
			const { options, columns } = draw()
			plot = new Uplot({ ...options, width: box.clientWidth, height }, columns, box)
			observer = new ResizeObserver(() => plot?.setSize({ width: box.clientWidth, height }))
			observer.observe(box)
		})
		return () => { gone = true; observer?.disconnect(); plot?.destroy() }
	}, [...of, height])
	return (
		<figure class="chart" role="img" aria-label={about}>
			{!ready && <Skeleton lines={5} height={30} />}
			<div ref={ref} />
		</figure>
	)
}
