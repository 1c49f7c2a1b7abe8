import type { Role } from '@slipway/contracts';

/** The author of a change: a key's owner, or a part of the registry itself. */
export type Actor = { name: string; role: Role | 'system' /** The role of the key, if there is one. */; id?: string };
export const system = (name: string): Actor => ({ name, role: 'system' });
