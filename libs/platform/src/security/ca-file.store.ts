import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';

/** The path of a PEM file with one or more certificates; parsed to the text of the file. */
export const caFromFile = z
  .string()
  .min(1)
  .transform((path, ctx) => {
    try {
      const pem = readFileSync(path, 'utf8');
      new X509Certificate(pem);
      return pem;
    } catch (error) {
      ctx.addIssue({ code: 'custom', message: `cannot read a PEM certificate from it: ${(error as Error).message}` });
      return z.NEVER;
    }
  });
