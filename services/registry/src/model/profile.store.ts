import { type Bundle, type Profile, profileSchema, type SnapshotRow, snapshotRowSchema } from '@slipway/model';
import { fieldErrors, jsonBytes } from '@slipway/core';
import type { ArtifactStore } from '../artifact/artifact.store.ts';
import { MOST_PROFILE_BYTES } from './version-bounds.ts';
import { buildProfile } from '@slipway/model';

/** A profile needs no more rows than this: its bins are deciles. */
const MOST_ROWS = 20_000;
const MOST_BYTES = 64 * 1024 ** 2;

export type ReferenceProfile = { profile: Profile | null; note: string };

/**
 * The reference profile of a version, when it is registered: the trainer's own, or made from the training snapshot. A
 * file that is not in the shape of a snapshot is kept like any other; the note says why there is no profile then.
 */
export async function referenceProfile(artifacts: ArtifactStore, bundle: Bundle): Promise<ReferenceProfile> {
  const { profile, note } = await readProfile(artifacts, bundle);
  const bytes = profile ? jsonBytes(profile) : 0;
  if (bytes <= MOST_PROFILE_BYTES) return { profile, note };
  return {
    profile: null,
    note: `the profile has ${bytes} bytes of JSON; it may have ${MOST_PROFILE_BYTES}: shorten names and categories`,
  };
}

async function readProfile(artifacts: ArtifactStore, bundle: Bundle): Promise<ReferenceProfile> {
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
        note:
          `training_data: line ${i + 1} is no snapshot row: ${fieldErrors(row.error)[0]?.field}: ` +
          `${fieldErrors(row.error)[0]?.message}`,
      };
    read.push(row.data);
  }
  const profile = buildProfile(data.sha256, bundle.signature, read);
  return { profile, note: profile ? '' : 'training_data: no row has a value for a tensor of the signature' };
}

/** The lines in the first bytes of a file, without one that is cut off: a file may be one line of gigabytes. */
async function rows(artifacts: ArtifactStore, sha256: string): Promise<string[]> {
  const { stream } = await artifacts.get(sha256);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MOST_BYTES) break;
  }
  stream.destroy();
  const lines = Buffer.concat(chunks).toString('utf8').split(/\r?\n/);
  if (bytes >= MOST_BYTES) lines.pop();
  return lines.filter((line) => line.trim() !== '').slice(0, MOST_ROWS);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
