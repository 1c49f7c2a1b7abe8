/**
 * Waits for `work`, but no longer than `ms`: what is under way to a server that says nothing must not keep a stop
 * waiting. How it ends, if it fails too, is nobody's business any more.
 */
export async function within(ms: number, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work?.catch(() => undefined), patience]);
  clearTimeout(timer);
}
