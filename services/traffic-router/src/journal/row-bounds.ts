import { MAX_OUTPUTS_BYTES, MAX_RECORD_BYTES } from '@slipway/contracts';
import { MAX_FEATURES_BYTES } from '@slipway/model';

/** A row's fields beside its bodies, escaped, have less. */
const MOST_FIELDS_BYTES = 16 * 1024 + MAX_OUTPUTS_BYTES + 2 * MAX_FEATURES_BYTES;

/** So long may each body of a row be in it: no row fits into no record. */
export const MOST_LOGGED_BYTES = Math.floor((MAX_RECORD_BYTES - MOST_FIELDS_BYTES) / 2);
