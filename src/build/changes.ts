import { posix } from 'node:path';
import { ClocheError } from '../error.ts';
import type { ContainerConfig } from '../image/index.ts';
import { configure } from './config.ts';
import type { Instruction } from './dockerfile/instruction.ts';
import { type Dockerfile, parse } from './dockerfile/parse.ts';
import { expand } from './dockerfile/words.ts';

/**
 * The container config that Dockerfile instructions such as `CMD ["sh"]` give, for images that no
 * Dockerfile makes.
 *
 * @param base what they change
 * @throws {ClocheError} `DOCKERFILE_INVALID`; `CHANGE_INVALID`: it would change files.
 */
export function configOfChanges(
  changes: readonly string[],
  base: ContainerConfig = {},
): ContainerConfig {
  let config = base;
  for (const change of changes) {
    const dockerfile = parse({ name: '--change', text: `FROM scratch\n${change}` });
    for (const instruction of dockerfile.stages[0]?.instructions ?? [])
      config = changed(config, instruction, dockerfile);
  }
  return config;
}

function changed(
  config: ContainerConfig,
  instruction: Instruction,
  { esc }: Dockerfile,
): ContainerConfig {
  const { kind, text } = instruction;
  if (kind === 'run' || kind === 'copy' || kind === 'arg' || kind === 'maintainer')
    throw refused(
      `${text} is not a valid change command`,
      'CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME and WORKDIR are.',
    );
  try {
    const value = (word: string) => expand(word, () => undefined, esc);
    if (kind !== 'workdir') return configure(config, instruction, value);
    const path = value(instruction.path);
    return { ...config, WorkingDir: posix.resolve('/', config.WorkingDir ?? '', path) };
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw refused(`${text}: ${error.message}`, 'It is written as in a Dockerfile.');
  }
}

function refused(message: string, hint: string): ClocheError {
  return new ClocheError('CHANGE_INVALID', message, { class: 'invalid-argument', hint });
}
