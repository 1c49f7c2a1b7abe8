import type { Target } from '@slipway/contracts';

const target = (version: number, address: string): Target => ({
  model: 'm',
  version,
  addresses: [address],
  protocol: 'oip',
  workers: true,
  price: 0,
});

/** What a simulated router asks: one address of each arm. */
export const control = target(1, 'http://control');
export const candidate = target(2, 'http://candidate');
