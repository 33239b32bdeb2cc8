import type { UserRef } from '../api/contract'
import { session } from '../api/client'
import { hashText, initials } from '../lib/words'

export function toneOf(user: UserRef): string {
	return `tone-${hashText(`${user.id}:${user.name}`) % 8}`
}

export function Face({ user, large }: { user: UserRef, large?: boolean }) {
	return <span class={`face ${toneOf(user)}${large ? ' large' : ''}`} aria-hidden="true" data-initials={initials(user.name)} />
}

export function Person({ user, large }: { user: UserRef, large?: boolean }) {
	const me = session.value?.user.id === user.id
	return <span class="person"><Face user={user} {...(large ? { large } : {})} /><span class="clip">{user.name}{me && <span class="quiet"> (you)</span>}</span></span>
}
