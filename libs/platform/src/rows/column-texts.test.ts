import { describe, expect, it } from 'vitest';
import { columnTexts, surplusParts } from './column-texts.ts';

const CREATE =
  "CREATE TABLE slipway.t (`time` DateTime64(3) COMMENT 'a, (b', `x` Map(String, String) DEFAULT 'it\\'s TTL (' " +
  "COMMENT 'c' CODEC(ZSTD(1)) TTL toDateTime(time) + toIntervalDay(30), INDEX by_x x TYPE minmax GRANULARITY 1) " +
  'ENGINE = MergeTree ORDER BY (time, x)';

describe('the columns of a table', () => {
  it('are read from its definition, without their comments', () => {
    expect([...columnTexts(CREATE)]).toEqual([
      ['time', 'DateTime64(3)'],
      ['x', "Map(String, String) DEFAULT 'it\\'s TTL (' CODEC(ZSTD(1)) TTL toDateTime(time) + toIntervalDay(30)"],
    ]);
  });

  it('have parts to remove that are no longer declared', () => {
    const text = columnTexts(CREATE).get('x') ?? '';
    expect(surplusParts(text, 'Map(String, String)')).toEqual(['DEFAULT', 'CODEC', 'TTL']);
    expect(surplusParts("String DEFAULT ' TTL '", "String DEFAULT 'b'")).toEqual([]);
  });
});
