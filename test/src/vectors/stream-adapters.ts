import * as s from '@slipway/stats';
import { type Adapter, digits, stream } from './adapter-parts.ts';
import { type Input } from './shapes.ts';

/** Detectors over streams. */
export const streamAdapters: Record<string, Adapter> = {
  ...Object.fromEntries(
    ['river-adwin-ds1', 'river-adwin-multi'].map((name) => [
      name,
      stream(
        (o) =>
          new s.Adwin({
            delta: o['delta'],
            clock: o['clock'],
            maxBuckets: o['maxBuckets'],
            minWindowLength: o['minWindowLength'],
            gracePeriod: o['gracePeriod'],
          }),
      ),
    ]),
  ),
  ...Object.fromEntries(
    ['river-page-hinkley-doc', 'river-page-hinkley-up', 'river-page-hinkley-down', 'river-page-hinkley-both'].map(
      (name) => [
        name,
        stream(
          (o) =>
            new s.PageHinkley({
              minInstances: o['minInstances'],
              delta: o['delta'],
              threshold: o['threshold'],
              alpha: o['alpha'],
              mode: o['mode'],
            }),
        ),
      ],
    ),
  ),
  ...Object.fromEntries(
    ['river-ddm-ds2', 'river-ddm-all-errors'].map((name) => [
      name,
      stream((o) => new s.Ddm({ warmStart: o['warmStart'], warning: o['warning'], drift: o['drift'] })),
    ]),
  ),
  'river-ddm-doc': (i) => {
    const detector = new s.Ddm({
      warmStart: i['params'].warmStart,
      warning: i['params'].warning,
      drift: i['params'].drift,
    });
    const found = { firstWarningPerEpisode: [] as number[], driftIndices: [] as number[] };
    let warned = false;
    digits(i).forEach((x, k) => {
      const { drift, warning } = detector.update(x);
      if (warning && !warned) found.firstWarningPerEpisode.push(k);
      warned = (warned || warning) && !drift;
      if (drift) found.driftIndices.push(k);
    });
    return found;
  },
  ...Object.fromEntries(
    ['river-eddm-doc', 'river-eddm-ds2'].map((name) => [
      name,
      stream((o) => new s.Eddm({ warmStart: o['warmStart'], alpha: o['alpha'], beta: o['beta'] })),
    ]),
  ),
  ...Object.fromEntries(
    ['river-hddm-a-ds2', 'river-hddm-a-two-sided'].map((name) => [
      name,
      stream(
        (o) =>
          new s.HddmA({
            driftConfidence: o['driftConfidence'],
            warningConfidence: o['warningConfidence'],
            twoSided: o['twoSided'],
          }),
      ),
    ]),
  ),
  ...Object.fromEntries(
    ['river-hddm-w-ds2', 'river-hddm-w-doc', 'river-hddm-w-two-sided'].map((name) => [
      name,
      stream(
        (o) =>
          new s.HddmW({
            driftConfidence: o['driftConfidence'],
            warningConfidence: o['warningConfidence'],
            lambda: o['lambda'],
            twoSided: o['twoSided'],
            firstWeight: o['lambda'] ** 2 + (1 - o['lambda']) ** 2,
          }),
      ),
    ]),
  ),
  'river-evaluate': (i) => ({
    results: i['cases'].map((c: Input) => {
      const r = s.evaluateDetector(c['alarms'], c['drifts'], c['deltaMax'], 1000);
      return { ...r, falseAlarmsPer1000_n1000: r.falseAlarmsPer1000 };
    }),
  }),
};
