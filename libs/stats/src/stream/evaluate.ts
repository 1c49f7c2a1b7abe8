import { sound } from '../errors.ts';
/**
 * How well a detector's alarms match known drifts, as River's `drift.evaluate` measures it. The window of a drift is
 * [start, start + deltaMax]; an alarm belongs only to the earliest window that it falls into; the delay of a drift is
 * that of its first alarm. Undefined values are `null`: precision without alarms, recall without drifts, delays when
 * nothing was found, gaps with fewer than two false alarms.
 */
export const evaluateDetector = sound(
  'evaluateDetector',
  (alarms: readonly number[], drifts: readonly number[], deltaMax: number, n?: number) => {
    const ofDrift = drifts.map((): number[] => []);
    const outside: number[] = [];
    for (const a of alarms) {
      const window = drifts.findIndex((d) => a >= d && a <= d + deltaMax);
      (ofDrift[window] ?? outside).push(a);
    }
    const hits = ofDrift.filter((found) => found.length > 0).length;
    const truePositives = alarms.length - outside.length;
    const falseAlarms = outside.length;
    const precision = alarms.length > 0 ? truePositives / alarms.length : null;
    const episodeRecall = drifts.length > 0 ? hits / drifts.length : null;
    const missed = drifts.length - hits;
    const recall = truePositives + missed > 0 ? truePositives / (truePositives + missed) : null;
    const f1 =
      precision === null || episodeRecall === null
        ? null
        : precision + episodeRecall > 0
          ? (2 * precision * episodeRecall) / (precision + episodeRecall)
          : 0;
    const delays = ofDrift.flatMap((found, i) =>
      found.length > 0 ? [Math.min(...found) - (drifts[i] as number)] : [],
    );
    const mean = (xs: number[]) => (xs.length > 0 ? xs.reduce((a, b) => a + b, 0) / xs.length : null);
    const detectionDelay = mean(delays);
    const gaps = outside.slice(1).map((a, i) => a - (outside[i] as number));
    const meanTimeBetween = mean(gaps);
    return {
      precision,
      recall,
      episodeRecall,
      f1,
      detectionDelay,
      normalizedDelay: detectionDelay === null ? null : detectionDelay / deltaMax,
      falseAlarms,
      falseAlarmsPer1000: n ? (1000 * falseAlarms) / n : null,
      // An immediate detection would make it infinite.
      meanTimeRatio:
        meanTimeBetween !== null && detectionDelay !== null && detectionDelay > 0 && episodeRecall !== null
          ? (meanTimeBetween / detectionDelay) * episodeRecall
          : null,
    };
  },
);
