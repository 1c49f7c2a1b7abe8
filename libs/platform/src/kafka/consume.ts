import { EventPattern } from '@nestjs/microservices';
import type { Topic } from '@slipway/contracts';
import type { z } from 'zod';
import type { ConsumedRecord, RecordResult } from './record.ts';

/** Handles the records of one batch of a partition. Returns one result a record, or nothing when all are ok. */
export type RecordHandler<S extends z.ZodType> = (
  records: ConsumedRecord<z.output<S>>[],
) => Promise<RecordResult[] | undefined>;

/**
 * Decorates a controller method as the consumer of a topic, called by the `KafkaBatchServer` with values parsed by the
 * topic's schema. Values that do not fit the schema go to dead letters and do not reach it.
 */
export function Consume<S extends z.ZodType>(topic: Topic<S, 'events'>) {
  // Nest's own type describes a handler of one event; this transport passes batches.
  const handles = EventPattern(topic.name) as MethodDecorator;
  return <M extends RecordHandler<S>>(
    target: object,
    name: string | symbol,
    method: TypedPropertyDescriptor<M>,
  ): void => void handles(target, name, method);
}
