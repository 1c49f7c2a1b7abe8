/** e^x, capped to stay finite. */
export const boundedExp = (x: number): number => Math.exp(Math.min(570, x));
