import type { Target } from '@slipway/contracts';
import { formatVersion } from '@slipway/core';

/** Key of a version at an address: ejections and connection pools are kept by this key. */
export const targetKey = (target: Target, address: string): string => `${formatVersion(target)}@${address}`;
