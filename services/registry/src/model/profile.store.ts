import {
  buildProfile,
  type Bundle,
  FairSample,
  MOST_FEATURES,
  type Profile,
  profileSchema,
  type SnapshotRow,
  snapshotRowSchema,
} from '@slipway/model';
import { fieldErrors, jsonBytes } from '@slipway/core';
import type { ArtifactStore } from '../artifact/artifact.store.ts';
import { eachLine, isBlank } from './lines.ts';
import { MOST_PROFILE_BYTES } from './version-bounds.ts';

/** A profile needs no more rows than this, drawn from the whole snapshot: its bins are deciles. */
const MOST_ROWS = 20_000;
const MOST_BYTES = 64 * 1024 ** 2;
/** A line of so many bytes is left out, and the note says how many were. */
const MOST_LINE_BYTES = 4 * 1024 ** 2;

export type ReferenceProfile = { profile: Profile | null; note: string };

/**
 * The reference profile of a version at its registration: the trainer's own, or made from the training snapshot. A file
 * in another format is stored like any other; the note then says why there is no profile.
 */
export async function referenceProfile(artifacts: ArtifactStore, bundle: Bundle): Promise<ReferenceProfile> {
  const { profile, note } = await readProfile(artifacts, bundle);
  const bytes = profile ? jsonBytes(profile) : 0;
  if (bytes <= MOST_PROFILE_BYTES) return { profile, note };
  return {
    profile: null,
    note: `the profile has ${bytes} bytes of JSON; it may have ${MOST_PROFILE_BYTES}: shorten names, categories`,
  };
}

async function readProfile(artifacts: ArtifactStore, bundle: Bundle): Promise<ReferenceProfile> {
  const own = bundle.reference_profile;
  if (own && !own.uri) {
    const parsed = profileSchema.safeParse(json(await head(artifacts, own.sha256)));
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
  const { lines, tooLong } = await sampledLines(artifacts, data.sha256);
  const read: SnapshotRow[] = [];
  for (const { number, text } of lines) {
    const row = snapshotRowSchema.safeParse(json(text));
    if (!row.success)
      return {
        profile: null,
        note:
          `training_data: line ${number} is no snapshot row: ${fieldErrors(row.error)[0]?.field}: ` +
          `${fieldErrors(row.error)[0]?.message}`,
      };
    read.push(row.data);
  }
  const profile = buildProfile(data.sha256, bundle.signature, read);
  if (!profile) return { profile, note: 'training_data: no row has a value for a tensor of the signature' };
  const notes = [
    ...(tooLong > 0 ? [`${tooLong} lines of ${MOST_LINE_BYTES} bytes or more are left out`] : []),
    ...(profile.left_out > 0 ? [`${profile.left_out} features are left out: a profile has ${MOST_FEATURES}`] : []),
  ];
  return { profile, note: notes.length > 0 ? `training_data: ${notes.join('; ')}` : '' };
}

/** A fair sample of a file's lines that are not empty, in their order; the same for the same file. */
async function sampledLines(
  artifacts: ArtifactStore,
  sha256: string,
): Promise<{ lines: { number: number; text: string }[]; tooLong: number }> {
  const seed = Number.parseInt(sha256.slice(0, 8), 16);
  const sample = new FairSample<{ number: number; text: string }>(seed, MOST_ROWS, MOST_BYTES);
  let [number, tooLong] = [0, 0];
  const { stream } = await artifacts.get(sha256);
  await eachLine(stream as AsyncIterable<Buffer>, MOST_LINE_BYTES, (line) => {
    number++;
    const at = number;
    if (line.length === MOST_LINE_BYTES) tooLong++;
    else if (line.length > 0 && !isBlank(line))
      sample.offer(() => ({ value: { number: at, text: line.toString('utf8') }, bytes: line.length }));
  });
  return { lines: sample.values.sort((a, b) => a.number - b.number), tooLong };
}

/** The first bytes of a file: what is longer is no profile. */
async function head(artifacts: ArtifactStore, sha256: string): Promise<string> {
  const { stream } = await artifacts.get(sha256);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= MOST_BYTES) break;
  }
  stream.destroy();
  return Buffer.concat(chunks).toString('utf8');
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
