import type { Command, Run } from './instruction.ts';
import { commandOf } from './json.ts';
import { choice, flags } from './known-flags.ts';
import { readMount } from './mount.ts';
import type { Statement } from './split.ts';

/** What a RUN says. @throws {SyntaxError} */
export function run(statement: Statement): Run {
  const network = choice(statement, 'network', ['default', 'none', 'host']) ?? 'default';
  return {
    kind: 'run',
    command: command(statement),
    security: choice(statement, 'security', ['sandbox', 'insecure']) ?? 'sandbox',
    mounts: flags(statement, 'mount').map(readMount),
    ...(network === 'default' ? {} : { network }),
  };
}

function command({ text, heredocs }: Statement): Command {
  const [only] = heredocs;
  if (text === '') throw new SyntaxError('RUN requires at least one argument');
  if (only === undefined) return commandOf(text);
  const isScript = heredocs.length === 1 && !/\s/.test(text);
  // The shell reads its heredocs itself; only a script that is nothing but one is given as it is.
  if (!isScript) {
    const contents = heredocs.map(({ name, content }) => `${content}${name}`);
    return { form: 'shell', text: [text, ...contents, ''].join('\n') };
  }
  const { name, content } = only;
  if (!content.startsWith('#!')) return { form: 'shell', text: content };
  return { form: 'script', name, content };
}
