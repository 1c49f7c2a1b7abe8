import { driftApi, registryApi, routerApi } from '@slipway/contracts';
import { type Client, type ClientOptions, createClient } from './api.client.ts';

export type RegistryClient = Client<typeof registryApi>;
export const registryClient = (options: ClientOptions): RegistryClient => createClient(registryApi, options);

/** The operations of a router besides the Open Inference Protocol. */
export type RouterClient = Client<typeof routerApi>;
export const routerClient = (options: ClientOptions): RouterClient => createClient(routerApi, options);

export type DriftClient = Client<typeof driftApi>;
export const driftClient = (options: ClientOptions): DriftClient => createClient(driftApi, options);
