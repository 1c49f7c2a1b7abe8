import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Route, routeSchema } from '@slipway/contracts';
import { z } from 'zod';

/**
 * The last routes, on disk: a router that starts while Kafka is away serves from them (control only, since no lease
 * holds then).
 */
export class RouteSnapshot {
  private readonly file: string;
  constructor(folder: string) {
    this.file = join(folder, 'routes.json');
  }

  load(): Route[] {
    try {
      return z.array(routeSchema).parse(JSON.parse(readFileSync(this.file, 'utf8')));
    } catch {
      return [];
    }
  }

  save(routes: Route[]): void {
    writeFileSync(`${this.file}.new`, JSON.stringify(routes), { mode: 0o600 });
    renameSync(`${this.file}.new`, this.file);
  }
}
