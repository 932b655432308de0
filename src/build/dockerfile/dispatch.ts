import { copy } from './copy.ts';
import { healthcheck } from './healthcheck.ts';
import type { Arg, Meaning, Pair } from './instruction.ts';
import { commandOf, execForm } from './json.ts';
import { run } from './run.ts';
import type { Statement } from './split.ts';
import { splitWords } from './words.ts';

/** What each keyword but FROM means. They throw a SyntaxError; who calls knows the place. */
export const DISPATCH: Readonly<Record<string, (statement: Statement, esc: string) => Meaning>> = {
  RUN: run,
  COPY: copy,
  ADD: copy,
  WORKDIR: (s) => ({ kind: 'workdir', path: required(s) }),
  ENV: (s, esc) => ({ kind: 'env', ...pairs(s, esc) }),
  LABEL: (s, esc) => ({ kind: 'label', ...pairs(s, esc) }),
  ARG: (s, esc) => ({ kind: 'arg', args: args(s, esc) }),
  USER: (s) => ({ kind: 'user', value: required(s) }),
  STOPSIGNAL: (s) => ({ kind: 'stopsignal', value: required(s) }),
  MAINTAINER: (s) => ({ kind: 'maintainer', value: required(s) }),
  CMD: (s) => ({ kind: 'cmd', command: commandOf(s.text) }),
  ENTRYPOINT: (s) => ({ kind: 'entrypoint', command: commandOf(required(s)) }),
  EXPOSE: (s, esc) => ({ kind: 'expose', words: splitWords(required(s), esc) }),
  VOLUME: (s, esc) => ({ kind: 'volume', words: paths(s, esc) }),
  SHELL: shell,
  HEALTHCHECK: healthcheck,
  ONBUILD: onbuild,
};

/** How each instruction is written: the hint where it is not. */
export const USAGE: Readonly<Record<string, string>> = {
  FROM: 'FROM [--platform=PLATFORM] IMAGE [AS NAME]',
  RUN: 'RUN [--mount=… --network=… --security=…] COMMAND, or RUN ["program", "argument"]',
  COPY: 'COPY [--from=… --chown=… --chmod=… --link --parents --exclude=…] SOURCE… TARGET',
  ADD: 'ADD [--checksum=… --keep-git-dir --unpack --chown=… --chmod=… --link --exclude=…] SOURCE… TARGET',
  WORKDIR: 'WORKDIR /a/path',
  ENV: 'ENV NAME=value OTHER="some value"',
  LABEL: 'LABEL name=value "other name"="some value"',
  ARG: 'ARG NAME, or ARG NAME=default',
  USER: 'USER NAME[:GROUP]',
  STOPSIGNAL: 'STOPSIGNAL SIGTERM',
  MAINTAINER: 'MAINTAINER name',
  CMD: 'CMD ["program", "argument"], or CMD command',
  ENTRYPOINT: 'ENTRYPOINT ["program", "argument"], or ENTRYPOINT command',
  EXPOSE: 'EXPOSE 80 53/udp 8000-8010',
  VOLUME: 'VOLUME /data /log, or VOLUME ["/data"]',
  SHELL: 'SHELL ["/bin/bash", "-c"]',
  HEALTHCHECK:
    'HEALTHCHECK [--interval=30s --timeout=… --retries=…] CMD command, or HEALTHCHECK NONE',
  ONBUILD: 'ONBUILD INSTRUCTION …',
};

function shell({ text }: Statement): Meaning {
  const argv = execForm(text);
  if (argv === undefined || argv.length === 0)
    throw new SyntaxError('SHELL requires the arguments to be in JSON form');
  return { kind: 'shell', argv };
}

/** The trigger is kept as it is written; what it means shows when it is done. */
function onbuild(statement: Statement): Meaning {
  const trigger = required(statement);
  const [keyword = ''] = trigger.toUpperCase().split(/\s/);
  if (keyword === 'ONBUILD')
    throw new SyntaxError("chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed");
  if (keyword === 'FROM' || keyword === 'MAINTAINER')
    throw new SyntaxError(`${keyword} isn't allowed as an ONBUILD trigger`);
  if (!Object.hasOwn(DISPATCH, keyword)) throw new SyntaxError(`unknown instruction: ${keyword}`);
  const contents = statement.heredocs.map(({ name, content }) => `${content}${name}\n`);
  const lines = contents.length === 0 ? trigger : `${trigger}\n${contents.join('')}`;
  return { kind: 'onbuild', trigger: lines };
}

function pairs(statement: Statement, esc: string): { pairs: Pair[]; isOldForm: boolean } {
  const text = required(statement);
  const words = splitWords(text, esc);
  if (words[0]?.includes('='))
    return { pairs: words.map((word) => pair(statement, word)), isOldForm: false };
  const [, key = '', value] = /^(\S+)\s+(.*)$/s.exec(text) ?? [];
  if (value === undefined) throw new SyntaxError(`${statement.keyword} must have two arguments`);
  return { pairs: [[key, value]], isOldForm: true };
}

function pair(statement: Statement, word: string): Pair {
  const equals = word.indexOf('=');
  if (equals === 0) throw new SyntaxError(`${statement.keyword} names can not be blank`);
  if (equals < 0)
    throw new SyntaxError(`can't find = in '${word}', must be ${statement.keyword} name=value`);
  return [word.slice(0, equals), word.slice(equals + 1)];
}

function args(statement: Statement, esc: string): Arg[] {
  return splitWords(required(statement), esc).map((word) => {
    const equals = word.indexOf('=');
    if (equals === 0) throw new SyntaxError('ARG names can not be blank');
    if (equals < 0) return { name: word };
    return { name: word.slice(0, equals), value: word.slice(equals + 1) };
  });
}

function paths(statement: Statement, esc: string): readonly string[] {
  return execForm(required(statement)) ?? splitWords(statement.text, esc);
}

function required({ keyword, text }: Statement): string {
  if (text === '') throw new SyntaxError(`${keyword} requires at least one argument`);
  return text;
}
