import { type Digest, digestOf } from '../image/index.ts';
import { fromRaw, type RawPath } from '../image/layer/scan.ts';
import type { FileFacts } from './step.ts';

/** What a step looked at, file by file, for whoever asks later what is different: few builds do. */
export interface FileNotes {
  note(path: RawPath, facts: string): void;
  /** Of each file a digest. */
  read(): FileFacts;
}

export function fileNotes(): FileNotes {
  const notes: [RawPath, string][] = [];
  return {
    note: (path, facts) => void notes.push([path, facts]),
    read: () =>
      new Map(
        notes.map(([path, facts]): [string, Digest] => [fromRaw(path).toString(), digestOf(facts)]),
      ),
  };
}
