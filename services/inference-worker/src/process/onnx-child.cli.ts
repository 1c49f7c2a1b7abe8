// The process of one loaded version. The model runs here, so that it cannot block or crash the worker.
import { writeFileSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import type { InferenceSession } from 'onnxruntime-node';
import type { Question, Reply } from './messages.ts';
import { load, run } from './session.client.ts';

/** Ctrl-C and a stop of the process group are ignored: the worker finishes its requests, and then ends this process. */
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit(0));

try {
  // When memory runs out, the system should kill this process before the worker.
  writeFileSync('/proc/self/oom_score_adj', '300');
} catch {
  // Not Linux, or not permitted: then the system chooses.
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
// Without the lifeline this process might outlive the worker.
watchdog.on('error', (error) => {
  throw error;
});
watchdog.once('message', () => {
  process.on('message', (question: Question) => void answer(question).then(send));
  send({ ready: true });
});
