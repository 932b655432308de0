import { toRaw } from '../image/layer/scan.ts';
import { isRemote, isRepository, parseRepository } from './copy/git-url.ts';
import { ignoring } from './copy/ignore.ts';
import { checkMode } from './copy/mode.ts';
import { nameMatcher } from './copy/wildcard.ts';
import { checkChecksum } from './dockerfile/copy.ts';
import type { Copy } from './dockerfile/instruction.ts';
import { expandText, type Variables } from './dockerfile/words.ts';
import { absolute, type CopyOperation } from './graph.ts';
import type { StageState } from './instructions.ts';

interface About {
  readonly state: StageState;
  /** Expands a word's variables. */
  readonly value: (word: string) => string;
  readonly variables: Variables;
}

/** What a COPY or an ADD does. Pure. @throws {SyntaxError} */
export function copyOperation(
  instruction: Copy,
  { state, value, variables }: About,
): CopyOperation {
  const { add, from, link, parents } = instruction;
  const expanded = (word: string | undefined) => (word === undefined ? null : value(word));
  const chmod = expanded(instruction.chmod);
  if (chmod !== null) checkMode(chmod);
  const sources = instruction.sources.map(value);
  const exclude = instruction.exclude.map(value);
  checkPatterns(add === undefined ? sources : sources.filter((name) => !isRemote(name)), exclude);
  // Whether what a URL says can be understood is said before anything is done.
  if (add !== undefined) sources.filter(isRepository).forEach(parseRepository);
  const checksum = add?.checksum === undefined ? undefined : value(add.checksum);
  if (checksum !== undefined) checkChecksum(checksum);
  return {
    kind: 'copy',
    from: from === undefined ? 'context' : 'input',
    sources,
    inline: instruction.inline.map(({ name, content, expands }) => ({
      name,
      content: expands ? expandText(content, variables) : content,
    })),
    target: absolute(state.config.WorkingDir || '/', value(instruction.target)),
    chown: expanded(instruction.chown),
    chmod,
    link,
    parents,
    exclude,
    add: add === undefined ? null : { ...add, checksum },
  };
}

/** @throws {SyntaxError} a pattern that is none; it is said before anything is done */
function checkPatterns(sources: readonly string[], exclude: readonly string[]): void {
  for (const name of sources.flatMap((source) => source.split('/'))) nameMatcher(toRaw(name));
  ignoring(exclude);
}
