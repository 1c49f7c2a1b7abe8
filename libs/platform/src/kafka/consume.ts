import { EventPattern } from '@nestjs/microservices';
import type { Topic } from '@slipway/contracts';
import type { z } from 'zod';
import type { ConsumedRecord, RecordResult } from './record.ts';

/** Takes the records of one batch of a partition; says of each what became of it, or nothing when all are ok. */
export type RecordHandler<S extends z.ZodType> = (
  records: ConsumedRecord<z.output<S>>[],
) => Promise<RecordResult[] | undefined>;

/**
 * Has a method of a controller take the events of a topic, parsed by the topic's schema, through the
 * `KafkaBatchServer`. What does not fit the schema goes to the dead letters and does not reach it.
 */
export function Consume<S extends z.ZodType>(topic: Topic<S, 'events'>) {
  // Nest's own type is that of a handler with one event; the transport gives batches.
  const handles = EventPattern(topic.name) as MethodDecorator;
  return <M extends RecordHandler<S>>(
    target: object,
    name: string | symbol,
    method: TypedPropertyDescriptor<M>,
  ): void => void handles(target, name, method);
}
