import { sound } from '../errors.ts';
/**
 * How well a detector's alarms hit known drifts (River's measures): a drift counts as found by the first alarm in
 * [start, start + deltaMax].
 */
export const evaluateDetector = sound(
  'evaluateDetector',
  (alarms: readonly number[], drifts: readonly number[], deltaMax: number, n?: number) => {
    const firstOf = (d: number) => alarms.find((a) => a >= d && a <= d + deltaMax);
    const found = drifts.map(firstOf);
    const hits = found.filter((a) => a !== undefined).length;
    const inWindow = (a: number) => drifts.some((d) => a >= d && a <= d + deltaMax);
    const truePositives = alarms.filter(inWindow).length;
    const falseAlarms = alarms.length - truePositives;
    const precision = alarms.length > 0 ? truePositives / alarms.length : 0;
    const episodeRecall = drifts.length > 0 ? hits / drifts.length : 0;
    const missed = drifts.length - hits;
    const recall = truePositives + missed > 0 ? truePositives / (truePositives + missed) : 0;
    const f1 = precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;
    const delays = found.flatMap((a, i) => (a === undefined ? [] : [a - (drifts[i] as number)]));
    const mean = (xs: number[]) => (xs.length > 0 ? xs.reduce((a, b) => a + b, 0) / xs.length : null);
    const detectionDelay = mean(delays);
    const sorted = alarms.filter((a) => !inWindow(a)).sort((a, b) => a - b);
    const gaps = sorted.slice(1).map((a, i) => a - (sorted[i] as number));
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
      meanTimeRatio:
        meanTimeBetween !== null && detectionDelay ? (meanTimeBetween / detectionDelay) * episodeRecall : null,
    };
  },
);
