import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { rolldown } from 'rolldown';
import { expect, it } from 'vitest';

it('works without Node: bundled, with browser globals only', async () => {
  const input = fileURLToPath(new URL('../dist/index.js', import.meta.url));
  const bundle = await rolldown({ input, platform: 'browser', logLevel: 'silent' });
  const { output } = await bundle.generate({ format: 'iife', name: 'client' });
  await bundle.close();
  const [{ code, imports }] = output;
  expect(imports).toEqual([]);
  expect(code).not.toMatch(/require\(|from ["']node:|["']node:\w+["']/);
  const asked: unknown[] = [];
  const browser = createContext({
    AbortSignal,
    Blob,
    TextDecoder,
    URL,
    Uint8Array,
    crypto,
    setTimeout,
    fetch: async (url: string, { method }: { method: string }) => {
      asked.push([method, url]);
      return new Response('{"items":[]}');
    },
  });
  const answer = await runInContext(`${code}; client.registryClient({ url: 'http://r' }).models.list()`, browser);
  expect(answer).toEqual({ items: [] });
  expect(asked).toEqual([['GET', 'http://r/v1/models']]);
});
