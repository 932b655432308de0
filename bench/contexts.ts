import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BASE } from './builders.ts';
import { command } from './compete.ts';

/** In a directory. */
const FILES = 100;

/** How long files are left alone before a build, in milliseconds: who distrusts new ones reads them again. */
const SETTLED = 2100;

/** Two stages: sources come in, something is made of them, and only that goes on. */
const TWO_STAGES = `FROM ${BASE} AS make
WORKDIR /src
COPY src .
RUN tar -c . | gzip -1 > /made && sha256sum /made > /made.sum
FROM ${BASE}
COPY --from=make /made /made.sum /opt/
RUN sha256sum /opt/made && mkdir /opt/unpacked && tar -xzf /opt/made -C /opt/unpacked
WORKDIR /opt
CMD ["ls", "unpacked"]
`;

const ONE_COPY = `FROM ${BASE}
COPY src /src
`;

/** Build contexts that nobody has seen before: with them no step can come from a cache. */
export class Contexts {
  readonly #scratch: string;
  #count = 0;

  constructor(scratch: string) {
    this.#scratch = scratch;
  }

  /** A context for a build of two stages, with a thousand files of 4 KB. */
  twoStages(): Promise<string> {
    return this.#fresh(TWO_STAGES, 1000, 4096);
  }

  /** A context of so many files, some 150 bytes each, that one COPY takes. */
  files(count: number): Promise<string> {
    return this.#fresh(ONE_COPY, count, 150);
  }

  remove(context: string): void {
    rmSync(context, { recursive: true, force: true });
  }

  /** The files are on the disk and two seconds old when it returns, as files that were checked out are. */
  async #fresh(dockerfile: string, files: number, size: number): Promise<string> {
    const name = `context-${process.pid}-${this.#count++}`;
    const context = join(this.#scratch, name);
    for (let i = 0; i < files; i++) {
      const directory = join(context, 'src', String(Math.floor(i / FILES)));
      if (i % FILES === 0) mkdirSync(directory, { recursive: true });
      const line = `${name} ${crypto.randomUUID()} ${i}\n`;
      writeFileSync(join(directory, String(i)), line.repeat(Math.ceil(size / line.length)));
    }
    writeFileSync(join(context, 'Dockerfile'), dockerfile);
    await command('sync', '-f', context);
    await Bun.sleep(SETTLED);
    return context;
  }
}
