import { MAX_OUTPUTS_BYTES, MAX_RECORD_BYTES } from '@slipway/contracts';
import { MAX_FEATURES_BYTES } from '@slipway/model';

/** Limit on a row's fields besides its bodies, escapes included. */
const MOST_FIELDS_BYTES = 16 * 1024 + MAX_OUTPUTS_BYTES + 2 * MAX_FEATURES_BYTES;

/** Limit on each body in a row, so that every row fits into a record. */
export const MOST_LOGGED_BYTES = Math.floor((MAX_RECORD_BYTES - MOST_FIELDS_BYTES) / 2);
