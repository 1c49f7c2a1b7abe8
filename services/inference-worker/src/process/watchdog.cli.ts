// A thread beside the model: it goes on while the model's run holds the main thread. It ends the process when that
// takes too much memory, or when the worker is gone. The kernel tells it also after kill -9: it closes the pipe.
import { Socket } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';

/** Pages that a model takes between two looks are the bound's error: at some GB/s, some hundred MB. */
const LOOK_MS = 50;
/** The pipe that the worker holds the other end of. */
const LIFELINE_FD = 4;

const { memoryBytes } = workerData as { memoryBytes: number };
const die = () => process.kill(process.pid, 'SIGKILL');
const lifeline = new Socket({ fd: LIFELINE_FD, readable: true, writable: true });
lifeline.on('error', die);
lifeline.on('close', die);
lifeline.on('end', die);
lifeline.resume();
/** @returns whether it takes more than it may, and is about to end */
function tooMuch(): boolean {
  const taken = process.memoryUsage.rss();
  if (taken <= memoryBytes) return false;
  clearInterval(looking);
  lifeline.write(`memory ${taken}`, die);
  return true;
}
const looking = setInterval(tooMuch, LOOK_MS);
// A small model would be loaded, and serve, before the first look.
if (!tooMuch()) parentPort?.postMessage('ready');
