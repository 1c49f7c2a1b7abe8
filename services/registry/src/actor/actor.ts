import type { Role } from '@slipway/contracts';

/** Who changes something: a key's owner, or a part of the registry itself. */
export type Actor = { name: string; role: Role | 'system' /** The key's, where there is one. */; id?: string };
export const system = (name: string): Actor => ({ name, role: 'system' });
