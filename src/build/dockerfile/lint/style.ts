import type { Statement } from '../split.ts';
import { type Finding, finding, type Subject } from './rule.ts';

/** Rules about how statements are written. */
export function* style({ statements }: Subject): Generator<Finding> {
  const majority = majorityOf(statements);
  for (const { said, keyword, place, hasGap, text } of statements) {
    if (hasGap) yield finding('NoEmptyContinuation', place, 'Empty continuation line');
    if (said !== (majority === 'lowercase' ? keyword.toLowerCase() : keyword))
      yield finding(
        ...(['ConsistentInstructionCasing', place] as const),
        `Command '${said}' should match the case of the command majority (${majority})`,
      );
    if (keyword === 'MAINTAINER')
      yield finding(
        ...(['MaintainerDeprecated', place] as const),
        'Maintainer instruction is deprecated in favor of using label',
      );
    const [, as] = /^\S+\s+(as)\s/i.exec(keyword === 'FROM' ? text : '') ?? [];
    if (as !== undefined && caseOf(as) !== caseOf(said))
      yield finding('FromAsCasing', place, `'${as}' and '${said}' keywords' casing do not match`);
  }
}

/** Comments above what they describe, which `docker build --call=outline` prints; experimental. */
export function* descriptions({ statements }: Subject): Generator<Finding> {
  for (const { keyword, text, place, comments } of statements) {
    const name =
      keyword === 'ARG'
        ? /^[^\s=]+/.exec(text)?.[0]
        : keyword === 'FROM'
          ? /\sas\s+(\S+)$/i.exec(text)?.[1]
          : undefined;
    const last = comments.at(-1);
    if (name === undefined || last === undefined || last.startsWith(`${name} `)) continue;
    yield finding(
      ...(['InvalidDefinitionDescription', place] as const),
      `Comment for ${name} should follow the format: \`# ${name} <description>\``,
    );
  }
}

function majorityOf(statements: readonly Statement[]): 'uppercase' | 'lowercase' {
  const count = (wanted: string) => statements.filter(({ said }) => caseOf(said) === wanted).length;
  return count('lower') > count('upper') ? 'lowercase' : 'uppercase';
}

function caseOf(word: string): 'lower' | 'upper' | 'mixed' {
  if (word === word.toLowerCase()) return 'lower';
  return word === word.toUpperCase() ? 'upper' : 'mixed';
}
