// The process of one loaded version: its model runs here, so that nothing that the model does can stop the worker.
import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { InferenceSession } from 'onnxruntime-node';
import type { Question, Reply } from './messages.ts';
import { load, run } from './session.client.ts';

/** Ctrl-C and a stop of a whole group reach us too: the worker finishes what it has, and then ends us. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));

try {
  // Where memory runs out the system takes us before the worker.
  writeFileSync('/proc/self/oom_score_adj', '300');
} catch {
  // Not Linux, or not allowed: then the system chooses.
}

let session: InferenceSession | undefined;

async function answer(question: Question): Promise<Reply> {
  try {
    if (question.kind === 'load') {
      const made = await load(question);
      session = made.session;
      return { loaded: made.loaded };
    }
    return session ? { outputs: await run(session, question) } : { error: 'nothing is loaded' };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

const send = (reply: Reply) => process.send?.(reply);
const watchdog = new Worker(new URL('./watchdog.cli.js', import.meta.url), {
  workerData: { memoryBytes: Number(process.argv[2]) },
  resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
});
// Without it we might outlive the worker.
watchdog.on('error', (error) => {
  throw error;
});
watchdog.once('message', () => {
  process.on('message', (question: Question) => void answer(question).then(send));
  send({ ready: true });
});
