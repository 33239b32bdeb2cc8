// What may be wider than the screen: it scrolls sideways in its place, also by the keyboard (WCAG 2.1.1), and says what it is.
import type { ComponentChildren } from 'preact'

export function Wide({ of, children }: { of: string, children: ComponentChildren }) {
	return <div class="scroll" role="region" aria-label={of} tabIndex={0}>{children}</div>
}
