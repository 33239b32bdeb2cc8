// Cuts a schedule's shifts into rows of whole days, each piece as percent of its row, ready to be drawn.
import { addDays, startOfDay } from './time'

export interface Piece<T> { left: number, width: number, begins: boolean, ends: boolean, item: T, from: number, to: number }
export interface Row<T> { from: number, to: number, days: number[], pieces: Piece<T>[] }

/**
 * Rows of `daysPerRow` days from the day of `start`. A piece that goes over the end of a row is continued in the
 * next one (`ends` false, then `begins` false). Days are calendar days: a row over a clock change is 1 h longer
 * or shorter and its pieces keep their true share.
 */
export function layOut<T extends { from: string, to: string }>(items: T[], start: number, rows: number, daysPerRow: number): Row<T>[] {
	const first = startOfDay(start)
	return Array.from({ length: rows }, (_, row) => {
		const from = addDays(first, row * daysPerRow)
		const to = addDays(from, daysPerRow)
		const days = Array.from({ length: daysPerRow }, (_, day) => addDays(from, day))
		const pieces = items.flatMap((item) => {
			const [begin, end] = [Date.parse(item.from), Date.parse(item.to)]
			const [left, right] = [Math.max(begin, from), Math.min(end, to)]
			if (right <= left) return []
			const share = (t: number) => (100 * (t - from)) / (to - from)
			return [{ left: share(left), width: share(right) - share(left), begins: begin >= from, ends: end <= to, item, from: begin, to: end }]
		})
		return { from, to, days, pieces }
	})
}
