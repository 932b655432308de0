import { ClocheError } from '../../error.ts';
import { invalidTar } from './invalid.ts';

/** Compressions that Bun does not know; a program of the same name does. */
export type Program = 'bzip2' | 'xz';

/** The Debian package of each. */
const PACKAGES = { bzip2: 'bzip2', xz: 'xz-utils' } as const;

/**
 * What `bzip2 -dc` or `xz -dc` makes of a body. docker reads such archives the same way, by a program.
 *
 * @throws {ClocheError} `COMPRESSION_UNSUPPORTED`: it is not installed; `LAYER_INVALID`
 */
export async function* throughProgram(
  program: Program,
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<Buffer> {
  const path = Bun.which(program);
  if (path === null)
    throw unsupported(program, `apt-get install ${PACKAGES[program]} brings the program for it.`);
  const child = Bun.spawn([path, '-dc'], { stdio: ['pipe', 'pipe', 'pipe'] });
  let failure: unknown;
  const feed = async () => {
    for await (const chunk of body) {
      if (child.exitCode !== null) return;
      child.stdin.write(chunk);
      await child.stdin.flush();
    }
    await child.stdin.end();
  };
  const fed = feed().catch((error: unknown) => {
    failure = error;
    child.kill();
  });
  try {
    for await (const chunk of child.stdout) yield Buffer.from(chunk);
    const said = await new Response(child.stderr).text();
    if ((await child.exited) !== 0 && failure === undefined)
      failure = invalidTar(`is damaged: ${said.trim() || `${program} failed`}`);
  } finally {
    child.kill();
    await fed;
  }
  if (failure !== undefined) throw isBrokenPipe(failure) ? invalidTar('is damaged') : failure;
}

export function unsupported(compression: string, hint: string): ClocheError {
  return new ClocheError(
    'COMPRESSION_UNSUPPORTED',
    `the archive is compressed with ${compression}`,
    { class: 'invalid-argument', hint },
  );
}

/** The program has ended before it had all. */
function isBrokenPipe(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'EPIPE';
}
