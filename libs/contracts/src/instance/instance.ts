import { z } from 'zod';
import { revisionSchema } from '@slipway/core';
import { nameSchema, timeMsSchema, versionNumberSchema } from '@slipway/core';

/** Heartbeats are sent every second; an instance is live when it was seen within this time, in milliseconds. */
export const HEARTBEAT_MS = 1000;
export const LIVE_MS = 5000;

export const loadedVersionSchema = z.object({
  model: nameSchema,
  version: versionNumberSchema,
  digest: z.string(),
  state: z.enum(['loading', 'warm', 'failed']),
  error: z.string().optional(),
});
export type LoadedVersion = z.infer<typeof loadedVersionSchema>;

/** Heartbeat of one router or worker. */
export const instanceSchema = z.object({
  instance_id: z.string().min(1),
  kind: z.enum(['router', 'worker']),
  boot: z.string(),
  address: z.url(),
  time: timeMsSchema,
  /** The applied route revision, by endpoint. */
  applied: z.record(z.string(), revisionSchema),
  versions: z.array(loadedVersionSchema),
  /** `model:version@address` of the targets that this router has ejected. */
  ejections: z.array(z.string()),
  /** Milliseconds since the ejection, for each of them. */
  ejected_ms: z.record(z.string(), z.number()).optional(),
  counters: z.record(z.string(), z.number()),
  notes: z.record(z.string(), z.string()),
});
export type Instance = z.infer<typeof instanceSchema>;
