import type { Target } from '@slipway/contracts';
import { formatVersion } from '@slipway/core';

/** A version at an address: what is ejected, and what has connections of its own. */
export const targetKey = (target: Target, address: string): string => `${formatVersion(target)}@${address}`;
