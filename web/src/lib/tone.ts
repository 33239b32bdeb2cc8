// The sound of a page: two rising notes, three times, loud enough to wake. Made here, no file is loaded.
// Browsers give sound only to a tab that was clicked once, so each tab unlocks at its first click and the
// first unlocked tab that gets the lock plays.
let context: AudioContext | undefined

export function unlockSound(): void {
	const unlock = () => {
		context ??= new AudioContext()
		void context.resume()
	}
	addEventListener('pointerdown', unlock, { once: true })
	addEventListener('keydown', unlock, { once: true })
}

export function canSound(): boolean {
	return context?.state === 'running'
}

function note(audio: AudioContext, at: number, hertz: number): void {
	const oscillator = audio.createOscillator()
	const gain = audio.createGain()
	oscillator.type = 'triangle'
	oscillator.frequency.value = hertz
	gain.gain.setValueAtTime(0.0001, at)
	gain.gain.exponentialRampToValueAtTime(0.6, at + 0.02)
	gain.gain.exponentialRampToValueAtTime(0.0001, at + 0.32)
	oscillator.connect(gain).connect(audio.destination)
	oscillator.start(at)
	oscillator.stop(at + 0.34)
}

export function playTone(): boolean {
	if (!context || context.state !== 'running') return false
	for (let i = 0; i < 3; i++) {
		note(context, context.currentTime + i * 0.9, 660)
		note(context, context.currentTime + i * 0.9 + 0.3, 990)
	}
	return true
}
