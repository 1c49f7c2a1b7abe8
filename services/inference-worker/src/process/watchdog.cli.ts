// A thread beside the model that keeps running while the model holds the main thread. It ends the process when that
// exceeds its memory limit, or when the worker has ended: the kernel closes the pipe also after kill -9.
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

/** Memory that a model allocates between two checks can exceed the limit: at some GB/s, by some hundred MB. */
const LOOK_MS = 50;
/** The pipe whose other end the worker holds. */
const LIFELINE_FD = 4;

const { memoryBytes } = workerData as { memoryBytes: number };
const die = () => process.kill(process.pid, 'SIGKILL');
const lifeline = new Socket({ fd: LIFELINE_FD, readable: true, writable: true });
lifeline.on('error', die);
lifeline.on('close', die);
lifeline.on('end', die);
lifeline.resume();
/** @returns whether it exceeds its limit, and is about to end */
function tooMuch(): boolean {
  const taken = process.memoryUsage.rss();
  if (taken <= memoryBytes) return false;
  clearInterval(looking);
  lifeline.write(`memory ${taken}`, die);
  return true;
}
const looking = setInterval(tooMuch, LOOK_MS);
// Checked at once: a small model could be loaded and serve before the first interval.
if (!tooMuch()) parentPort?.postMessage('ready');
