// `npm run vectors -- FILE`: prepares, then runs a file in the shape of libs/stats/vectors/vectors.json through
// libs/stats.
import { build } from './build.mjs';

await build();
await import('./dist/vectors/main.js');
