import { closeSync, openSync, readFileSync, readSync, unlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { unlessGone } from '../../linux/proc/read.ts';
import { exitCodeOf } from '../../linux/signals.ts';
import { EXIT_RECORD_SIZE } from '../../runtime/birth/exit-record.ts';
import type { Engine } from '../engine.ts';
import { directoryOf } from './records.ts';

/** How a container has ended. */
export interface Exit {
  readonly exitCode: number;
  /** Milliseconds since the epoch; by default now. */
  readonly time?: number | undefined;
  /** Undefined: nobody knows. */
  readonly oomKilled?: boolean | undefined;
}

const pathOf = (engine: Engine, id: string) => join(directoryOf(engine, id), 'exit');

/** Makes the file that a container's shim will write into, of nobody who waits for an earlier end. @returns its path */
export function makeExitRecord(engine: Engine, id: string): string {
  const path = pathOf(engine, id);
  unlessGone(() => unlinkSync(path));
  writeFileSync(path, '', { mode: 0o600 });
  return path;
}

/** What the shim has written down; undefined if it was killed before. */
export function exitRecordOf(engine: Engine, id: string): Exit | undefined {
  const bytes = unlessGone(() => readFileSync(pathOf(engine, id)));
  return bytes === undefined ? undefined : parsed(bytes);
}

/** The record of a container that others may remove, with all its files, as soon as it has ended. */
export interface HeldRecord {
  read(): Exit | undefined;
  close(): void;
}

export function holdExitRecord(engine: Engine, id: string): HeldRecord {
  const fd = unlessGone(() => openSync(pathOf(engine, id), 'r'));
  return {
    read: () => {
      if (fd === undefined) return undefined;
      const bytes = Buffer.alloc(EXIT_RECORD_SIZE);
      return parsed(bytes.subarray(0, readSync(fd, bytes, 0, bytes.length, 0)));
    },
    close: () => {
      if (fd !== undefined) closeSync(fd);
    },
  };
}

/** As `exitRecordSteps` writes it (`runtime/birth/exit-record.ts`). */
function parsed(bytes: Buffer): Exit | undefined {
  if (bytes.length < EXIT_RECORD_SIZE) return undefined;
  const [, kills] = /^oom_kill (\d+)$/m.exec(bytes.toString('latin1', 24)) ?? [];
  return {
    exitCode: exitCodeOf(bytes.readUInt32LE(0)),
    time: Number(bytes.readBigUInt64LE(8)) * 1000,
    oomKilled: kills === undefined ? undefined : Number(kills) > 0,
  };
}
