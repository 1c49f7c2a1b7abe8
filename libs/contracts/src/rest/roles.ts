import { z } from 'zod';

/**
 * `viewer` reads; `publisher` also registers models, versions, artifacts and metrics; `operator` also runs rollouts;
 * `approver` reads and approves; `admin` does everything and makes keys.
 */
export const roles = ['viewer', 'publisher', 'operator', 'approver', 'admin'] as const;
export const roleSchema = z.enum(roles);
export type Role = z.infer<typeof roleSchema>;

const includes: Record<Role, readonly Role[]> = {
  viewer: ['viewer'],
  publisher: ['viewer', 'publisher'],
  operator: ['viewer', 'operator'],
  approver: ['viewer', 'approver'],
  admin: roles,
};
export function mayActAs(role: Role, needed: Role): boolean {
  return includes[role].includes(needed);
}
