import { auditRow, evidenceRow } from './control.ts';
import { deadLetterRow } from './dead-letter.ts';
import type { Row } from './define-row.ts';
import { outcomeRow } from './outcome.ts';
import { predictionRow } from './prediction.ts';
import { retrainingRow } from './retraining.ts';
import { comparisonRow } from './shadow.ts';

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
