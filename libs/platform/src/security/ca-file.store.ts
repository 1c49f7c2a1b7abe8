import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The path of a PEM file with one certificate or more; becomes the file's text. */
export const caFromFile = z
  .string()
  .min(1)
  .transform((path, ctx) => {
    try {
      const pem = readFileSync(path, 'utf8');
      new X509Certificate(pem);
      return pem;
    } catch (error) {
      ctx.addIssue({ code: 'custom', message: `no PEM certificate can be read from it: ${(error as Error).message}` });
      return z.NEVER;
    }
  });
