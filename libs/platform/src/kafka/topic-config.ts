import type { Topic } from '@slipway/contracts';

/** Configuration of a new topic: names and values as in Kafka. */
export function topicConfig(t: Topic, replicationFactor: number): { name: string; value: string }[] {
  const common = [
    { name: 'message.timestamp.type', value: 'LogAppendTime' },
    // An acknowledged record must survive the loss of any one broker.
    ...(replicationFactor >= 3 ? [{ name: 'min.insync.replicas', value: '2' }] : []),
  ];
  if (t.carries === 'state') {
    return [
      ...common,
      { name: 'cleanup.policy', value: 'compact' },
      { name: 'segment.ms', value: '600000' },
      { name: 'min.cleanable.dirty.ratio', value: '0.1' },
      { name: 'delete.retention.ms', value: '3600000' },
    ];
  }
  return [
    ...common,
    { name: 'cleanup.policy', value: 'delete' },
    { name: 'retention.ms', value: String(t.retentionMs) },
  ];
}
