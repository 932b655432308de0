import { type Digest, digestOf } from '../image/index.ts';
import type { FileFacts } from './step.ts';

/** What a step looked at, file by file, for whoever asks later what is different: few builds do. */
export interface FileNotes {
  note(path: string, facts: string): void;
  /** Of each file a digest. */
  read(): FileFacts;
}

export function fileNotes(): FileNotes {
  const notes = new Map<string, string>();
  return {
    note: (path, facts) => void notes.set(path, facts),
    read: () =>
      new Map([...notes].map(([path, facts]): [string, Digest] => [path, digestOf(facts)])),
  };
}
