import type { LoadedVersion } from '@slipway/contracts';
import { describe, expect, it } from 'vitest';
import { trialOf } from './trial.ts';

const version = { model: 'spam', version: 2, digest: 'd' };
const says = (state: LoadedVersion['state'], error?: string, change: Partial<LoadedVersion> = {}) => ({
  versions: [{ ...version, state, ...(error ? { error } : {}), ...change }],
});

describe('the result of the first load of a version', () => {
  it.each([
    ['nobody has said anything', [{ versions: [] }], null],
    ['a worker is loading it', [says('loading')], null],
    ['a worker waits for its bytes', [says('loading', 'no answer')], { state: 'untested', reason: 'no answer' }],
    ['one worker has it warm', [says('loading'), says('warm')], { state: 'loaded', reason: '' }],
    ['one worker could not load it', [says('failed', 'no model')], { state: 'failed', reason: 'no model' }],
    ['one could and another could not', [says('failed', 'x'), says('warm')], { state: 'loaded', reason: '' }],
    ['another bundle of that number failed', [says('failed', 'x', { digest: 'other' })], null],
    ['another version failed', [says('failed', 'x', { version: 3 })], null],
  ])('%s', (_, workers, expected) => {
    expect(trialOf(version, workers)).toEqual(expected);
  });
});
