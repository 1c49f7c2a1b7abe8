import type { ServiceContext, ServiceParts } from './service.ts';

/** The parts of one feature of a service. `NAME.module.ts` makes it, and the service's module lists it. */
export type Feature = Pick<ServiceParts, 'controllers' | 'providers' | 'readiness' | 'transports' | 'started'>;

/** Combines features: their parts in the order of the list, started one after the other. */
export function together(...features: Feature[]): Required<Feature> {
  return {
    controllers: features.flatMap((feature) => feature.controllers ?? []),
    providers: features.flatMap((feature) => feature.providers ?? []),
    readiness: features.flatMap((feature) => feature.readiness ?? []),
    transports: features.flatMap((feature) => feature.transports ?? []),
    started: async () => {
      for (const feature of features) await feature.started?.();
    },
  };
}

/** A Nest provider of this instance under its class. */
export const provided = <T>(provide: abstract new (...args: never[]) => T, useValue: T) => ({ provide, useValue });

/** What a service reads of a topic's state, from its start to its stop. */
export interface Following {
  readonly isReady: boolean;
  start(): void;
  close(): Promise<void>;
}

/** Reads them by their names: the service is ready when each of them is, and all are closed at the same time. */
export function following(replicas: Readonly<Record<string, Following>>, { onClose }: ServiceContext): Feature {
  const all = Object.entries(replicas);
  onClose('replicas', async () => void (await Promise.all(all.map(([, replica]) => replica.close()))));
  return {
    readiness: all.map(([name, replica]) => ({ name, ready: () => replica.isReady })),
    started: () => {
      for (const [, replica] of all) replica.start();
    },
  };
}
