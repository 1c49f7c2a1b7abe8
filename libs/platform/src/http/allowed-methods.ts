/** Looks up the methods of a server's routes by path, for requests that no route matched. */
export class AllowedMethods {
  private readonly routes: { pattern: RegExp; methods: ReadonlySet<string> }[] = [];

  /** @param url a route as Fastify writes it: `/v1/models/:model` */
  add(url: string, methods: string | readonly string[]): void {
    const parts = url.split('/').map((part) => (part.startsWith(':') ? '[^/]+' : part.replace(/\W/g, '\\$&')));
    this.routes.push({ pattern: new RegExp(`^${parts.join('/')}$`), methods: new Set([methods].flat()) });
  }

  /**
   * The methods in alphabetical order; empty when no route has the path.
   * @param target a path, with or without a query
   */
  of(target: string): string[] {
    const path = target.split('?', 1)[0] as string;
    const found = this.routes.filter((r) => r.pattern.test(path)).flatMap((r) => [...r.methods]);
    return [...new Set(found)].sort();
  }
}
