import { announced, asHeredoc } from './heredoc.ts';
import type { Copy } from './instruction.ts';
import { execForm } from './json.ts';
import { flag, flags, switched } from './known-flags.ts';
import type { Statement } from './split.ts';
import { splitWords } from './words.ts';

/** What a COPY or an ADD says. @throws {SyntaxError} */
export function copy(statement: Statement, esc: string): Copy {
  const { keyword } = statement;
  const words = execForm(statement.text) ?? plainWords(statement, esc);
  const target = words.at(-1);
  const sources = words.slice(0, -1);
  if (target === undefined || sources.length + statement.heredocs.length === 0)
    throw new SyntaxError(`${keyword} requires at least two arguments: sources and a destination`);
  const targetOnly = asHeredoc(target);
  if (targetOnly !== undefined && statement.heredocs.some(({ name }) => name === targetOnly.name))
    throw new SyntaxError(`${keyword} cannot accept a heredoc as a destination`);
  return {
    kind: 'copy',
    ...{ sources, target, inline: statement.heredocs },
    from: origin(statement),
    chown: flag(statement, 'chown'),
    chmod: flag(statement, 'chmod'),
    link: switched(statement, 'link') ?? false,
    parents: switched(statement, 'parents') ?? false,
    exclude: flags(statement, 'exclude'),
    add: keyword === 'ADD' ? additions(statement) : undefined,
  };
}

/** Which stages are needed is known before any variable is. @throws {SyntaxError} in BuildKit's words */
function origin(statement: Statement): string | undefined {
  const from = flag(statement, 'from');
  if (from?.includes('$') !== true) return from;
  throw new SyntaxError(
    'variable expansion is not supported for --from, define a new stage with FROM using ARG from global scope as a workaround',
  );
}

/** The words that are paths, and not heredocs. */
function plainWords({ text }: Statement, esc: string): string[] {
  const words = splitWords(text, esc);
  if (announced(text, esc).length === 0) return words;
  const last = words.at(-1) ?? '';
  return [...words.slice(0, -1).filter((word) => asHeredoc(word) === undefined), last];
}

function additions(statement: Statement): NonNullable<Copy['add']> {
  const checksum = flag(statement, 'checksum');
  if (checksum !== undefined && !/\$/.test(checksum)) checkChecksum(checksum);
  return {
    checksum,
    keepGitDir: switched(statement, 'keep-git-dir') ?? false,
    unpack: switched(statement, 'unpack'),
  };
}

/** @throws {SyntaxError} it is no digest, and no commit */
export function checkChecksum(checksum: string): void {
  if (/^sha256:[0-9a-f]{64}$/.test(checksum) || /^[0-9a-f]{40}([0-9a-f]{24})?$/.test(checksum))
    return;
  throw new SyntaxError(
    `invalid checksum: '${checksum}' is neither sha256: with 64 hex digits nor a commit`,
  );
}
