import { writeSync } from 'node:fs';
import { claimContainer, getContainer, openEngine, startContainer } from '../src/engine/index.ts';

/**
 * Starts the container that its argument names, and is killed together with its shim when the
 * program is about to begin: as late as a `start` can die without having written down anything.
 */
const engine = openEngine();
const container = getContainer(engine, process.argv[2] ?? '');
if (!claimContainer(engine, container)) throw new Error('somebody else starts it');
const options = { ...container.options, detach: true };
const about = { again: true, step: true };
const started = await startContainer(engine, { ...container, options }, about);
const { steps } = await started.ready.plan();
started.pid.catch(() => {});
started.exited.catch(() => {});
for await (const chunk of Bun.file(started.pauses).stream()) {
  const index = Number(new DataView(chunk.buffer).getBigUint64(0, true));
  const step = steps[index];
  if (step?.call === 'execve') {
    process.kill(started.launched.pid, 'SIGKILL');
    process.kill(process.pid, 'SIGKILL');
  }
  writeSync(started.pauses, 'g');
}
