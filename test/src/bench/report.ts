export type Line = { what: string; value: number; unit: string; note?: string };

/** All measurements, in order. */
export const lines: Line[] = [];
export const say = (text: string) => process.stdout.write(`${text}\n`);
export const add = (what: string, value: number, unit: string, note?: string) => {
  lines.push({ what, value, unit, ...(note ? { note } : {}) });
  say(
    `  ${what.padEnd(74)} ${value.toFixed(value < 10 ? 2 : value < 1000 ? 1 : 0).padStart(10)} ` +
      `${unit}${note ? `   ${note}` : ''}`,
  );
};
