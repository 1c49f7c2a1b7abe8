import { auditRow, evidenceRow } from './control.ts';
import { deadLetterRow } from './dead-letter.ts';
import type { Row, Untabled } from './define-row.ts';
import { outcomeRow } from './outcome.ts';
import { predictionRow } from './prediction.ts';
import { retrainingRow } from './retraining.ts';
import { comparisonRow, shadowPairEvent, shadowRequestEvent } from './shadow.ts';

/** Every row that ClickHouse reads from a topic. */
export const rows: readonly Row[] = [
  predictionRow,
  outcomeRow,
  comparisonRow,
  evidenceRow,
  auditRow,
  retrainingRow,
  deadLetterRow,
];

/** Every event that no table keeps. What a topic carries that is no state is a row or one of these. */
export const untabled: readonly Untabled[] = [shadowRequestEvent, shadowPairEvent];
