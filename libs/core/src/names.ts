import { z } from 'zod';

/** Lower-case DNS-like names: safe in URLs, topic keys, file names and SQL literals. */
export const nameSchema = z
  .string()
  .min(1)
  .max(63)
  .regex(
    /^[a-z0-9]([a-z0-9_.-]*[a-z0-9])?$/,
    'lower-case letters, digits, ".", "_" and "-" only, beginning and ending with a letter or digit',
  );

export const versionNumberSchema = z.int().min(1).max(1_000_000);
export const sha256Schema = z.string().regex(/^[0-9a-f]{64}$/, '64 lower-case hexadecimal digits');
/** Whether a text is an id as the registry makes them; only such a one is looked for. */
export const isUuid = (text: string): boolean => z.uuid().safeParse(text).success;
/** Milliseconds since the epoch. */
export const timeMsSchema = z.int().nonnegative();

/** Name of the arm with the version that served before the rollout. Every other arm is a candidate. */
export const CONTROL = 'control';
/** Name of the candidate in a rollout that has only one. */
export const CANDIDATE = 'candidate';
/** The arms of a rollout of one candidate. */
export type Arm = typeof CONTROL | typeof CANDIDATE;
/** How a model is spoken to where nobody says: by the Open Inference Protocol. `libs/protocol` has the list. */
export const DEFAULT_PROTOCOL = 'oip';
/** What is randomised. */
export const unitKindSchema = z.enum(['request', 'user', 'session']);
export type UnitKind = z.infer<typeof unitKindSchema>;

export const versionRefSchema = z.object({ model: nameSchema, version: versionNumberSchema });
export type VersionRef = z.infer<typeof versionRefSchema>;

/** `model:version`, the form used in rows and headers. */
export function formatVersion(ref: VersionRef): string {
  return `${ref.model}:${ref.version}`;
}

/** Parses what `formatVersion` wrote. Returns undefined when the text is not of the form `model:version`. */
export function parseVersion(text: string): VersionRef | undefined {
  const at = text.lastIndexOf(':');
  const parsed = versionRefSchema.safeParse({ model: text.slice(0, at), version: Number(text.slice(at + 1)) });
  return at > 0 ? parsed.data : undefined;
}
