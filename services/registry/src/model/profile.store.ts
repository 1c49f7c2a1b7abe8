import { createInterface } from 'node:readline';
import {
  type Bundle,
  fieldErrors,
  type Profile,
  profileSchema,
  type SnapshotRow,
  snapshotRowSchema,
} from '@slipway/contracts';
import type { ArtifactStore } from '../artifact/artifact.store.ts';
import { buildProfile } from './profile.ts';

/** A profile needs no more rows than this: its bins are deciles. */
const MOST_ROWS = 20_000;

export type ReferenceProfile = { profile: Profile | null; note: string };

/**
 * The reference profile of a version, when it is registered: the trainer's own, or made from the training snapshot. A
 * file that is not in the shape
 * of a snapshot is kept like any other; the note says why there is no profile then.
 */
export async function referenceProfile(artifacts: ArtifactStore, bundle: Bundle): Promise<ReferenceProfile> {
  const own = bundle.reference_profile;
  if (own && !own.uri) {
    const text = (await rows(artifacts, own.sha256)).join('\n');
    const parsed = profileSchema.safeParse(json(text));
    return parsed.success
      ? { profile: parsed.data, note: '' }
      : {
          profile: null,
          note: `reference_profile: ${fieldErrors(parsed.error)[0]?.field}: ${fieldErrors(parsed.error)[0]?.message}`,
        };
  }
  const data = bundle.training_data;
  if (!data) return { profile: null, note: 'the bundle names no training data' };
  if (data.uri) return { profile: null, note: 'the training data lie elsewhere; give a reference_profile' };
  const read: SnapshotRow[] = [];
  for (const [i, line] of (await rows(artifacts, data.sha256)).entries()) {
    const row = snapshotRowSchema.safeParse(json(line));
    if (!row.success)
      return {
        profile: null,
        note: `training_data: line ${i + 1} is no snapshot row: ${fieldErrors(row.error)[0]?.field}: ${fieldErrors(row.error)[0]?.message}`,
      };
    read.push(row.data);
  }
  const profile = buildProfile(data.sha256, bundle.signature, read);
  return { profile, note: profile ? '' : 'training_data: no row has a value for a tensor of the signature' };
}

async function rows(artifacts: ArtifactStore, sha256: string): Promise<string[]> {
  const { stream } = await artifacts.get(sha256);
  const lines: string[] = [];
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    if (line.trim() !== '') lines.push(line);
    if (lines.length >= MOST_ROWS) break;
  }
  stream.destroy();
  return lines;
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
