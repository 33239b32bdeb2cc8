// What the reader's role allows. The server decides; this only keeps buttons away that it would refuse.
import { session } from '../api/client'
import type { Role } from '../api/contract'

export type Permission = 'read' | 'respond' | 'manage' | 'admin'

const holds: Record<Role, readonly Permission[]> = {
	viewer: ['read'],
	auditor: ['read'],
	responder: ['read', 'respond'],
	manager: ['read', 'respond', 'manage'],
	admin: ['read', 'respond', 'manage', 'admin'],
}

export function may(permission: Permission): boolean {
	const role = session.value?.user.role
	return role !== undefined && holds[role].includes(permission)
}
