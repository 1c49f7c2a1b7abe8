import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { asyncApiDocument } from './asyncapi.ts';
import { topicList, topics } from './topics.ts';
import { topicsPage } from './topics-page.ts';

const docs = fileURLToPath(new URL('../../../../docs', import.meta.url));
const HEAD =
  '# Made by `npm run docs` from libs/contracts/src/bus/topics.ts; a unit test fails when it is out of date.\n';
const printed = () => HEAD + stringify(asyncApiDocument('1'), { lineWidth: 0, aliasDuplicateObjects: false });

describe('the topics', () => {
  it('have unique names with prefix and version, and a key unless they carry rows', () => {
    for (const t of topicList) {
      expect(t.name).toMatch(/^slipway\.[a-z-]+\.v\d+$/);
      expect(t.key === null).toBe(t.carries === 'rows');
    }
    expect(new Set(topicList.map((t) => t.name)).size).toBe(topicList.length);
  });

  it('have at least one writer and one reader', () => {
    for (const t of topicList)
      expect([t.name, t.writers.length > 0, t.readers.length > 0]).toEqual([t.name, true, true]);
  });

  // `npm run docs` updates both.
  it('match docs/topics.md', async () => {
    await expect(topicsPage()).toMatchFileSnapshot(`${docs}/topics.md`);
  });

  it('match docs/asyncapi.yaml', async () => {
    await expect(printed()).toMatchFileSnapshot(`${docs}/asyncapi.yaml`);
  });
});

describe('the AsyncAPI document', () => {
  type Document = {
    channels: Record<string, { address: string; messages: Record<string, { $ref: string }> }>;
    operations: Record<string, { channel: { $ref: string }; messages: { $ref: string }[] }>;
    components: { messages: Record<string, { payload: { type?: string; properties?: object; anyOf?: object[] } }> };
  };
  const document = parse(printed()) as Document;

  it('is valid by the JSON schema of AsyncAPI 3.0', { timeout: 60_000 }, () => {
    const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
    const validate = new Ajv({ strict: false, validateFormats: false }).compile(schema);
    expect([validate(document), validate.errors]).toEqual([true, null]);
    expect(validate({ ...document, channels: { routes: { adress: 'misspelt' } } })).toBe(false);
  });

  it('has every topic, with the fields of its messages', () => {
    expect(Object.values(document.channels).map((c) => c.address)).toEqual(topicList.map((t) => t.name));
    for (const [id, { payload }] of Object.entries(document.components.messages))
      expect([id, Object.keys(payload.properties ?? {}).length > 3]).toEqual([id, true]);
    expect(document.components.messages['evidence']?.payload.properties).toHaveProperty('verdict.enum', [
      'advance',
      'hold',
      'rollBack',
    ]);
  });

  it('has no dangling reference', () => {
    const find = (ref: string) =>
      ref
        .slice(2)
        .split('/')
        .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], document);
    const refs = [...printed().matchAll(/\$ref: "?(\S+?)"?$/gm)].map((m) => m[1] as string);
    expect(refs.length).toBeGreaterThan(topicList.length * 3);
    for (const ref of refs) expect([ref, find(ref)]).not.toEqual([ref, undefined]);
  });

  it('has an operation for every right to write or read', () => {
    const rights = topicList.reduce((sum, t) => sum + t.writers.length + t.readers.length, 0);
    expect(Object.keys(document.operations)).toHaveLength(rights);
    expect(document.operations['foreignProducerWritesOutcomes']?.channel.$ref).toBe('#/channels/outcomes');
    expect(document.operations['registryReadsEvidence']?.channel.$ref).toBe('#/channels/evidence');
    expect(Object.keys(document.operations)).not.toContain('foreignProducerWritesEvidence');
    expect(topics.evidence.writers).toEqual(['analyser']);
  });
});
