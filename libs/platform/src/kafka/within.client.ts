/**
 * Waits for `work`, but no longer than `ms`, so that a call to a server that does not respond cannot delay a stop. A
 * later failure of `work` is ignored.
 */
export async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work?.catch(() => undefined), patience]);
  clearTimeout(timer);
}
