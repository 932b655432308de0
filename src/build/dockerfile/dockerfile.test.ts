// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what is tested
import { describe, expect, test } from 'bun:test';
import type { ClocheError } from '../../error.ts';
import { suggest } from '../../suggest.ts';
import { parse } from './parse.ts';
import { expand, expandText, splitWords } from './words.ts';

const parsed = (text: string) => parse({ name: 'Dockerfile', text });
/** The instructions of the only stage, without their places. */
const meanings = (text: string) =>
  parsed(`FROM x\n${text}`).stages[0]?.instructions.map(
    ({ place: _, text: __, ...meaning }) => meaning,
  );
const run = (text: string) => ({
  ...{ kind: 'run' as const, command: { form: 'shell' as const, text } },
  ...{ security: 'sandbox' as const, mounts: [] },
});
const refused = (text: string): ClocheError => {
  try {
    parsed(text);
  } catch (error) {
    return error as ClocheError;
  }
  throw new Error('it was accepted');
};

describe('parse', () => {
  test('stages, their names, platform and the ARGs before them', () => {
    const { args, stages } = parsed(
      'ARG V=12\nARG W\nfrom --platform=linux/amd64 node:$V As Build\nFROM build',
    );
    expect(args).toEqual([{ name: 'V', value: '12' }, { name: 'W' }]);
    expect(stages.map(({ name, base, platform }) => [name, base, platform])).toEqual([
      ['build', 'node:$V', 'linux/amd64'],
      [undefined, 'build', undefined],
    ]);
  });

  test('continuation lines, with comments and empty lines between them', () => {
    expect(meanings('RUN a && \\\n  # no\n\n   b \\\n c')).toEqual([run('a &&    b  c')]);
  });

  test('carriage returns at line ends are no part of anything', () => {
    expect(meanings('RUN a \\\r\n b\r\nUSER node\r\n')).toEqual([
      run('a  b'),
      { kind: 'user', value: 'node' },
    ]);
  });

  test.each([
    ['RUN a \\\\\nUSER b', ['run', 'user']],
    ['RUN a \\ \t\n  b\nUSER b', ['run', 'user']],
    ['RUN a \\', ['run']],
    ['\\\nUSER b', ['user']],
    ['run a\nUsEr b', ['run', 'user']],
    ['RUN <<"A B" cat\nUSER x\nA B\nUSER y', ['run', 'user']],
    ['RUN echo "<<E" 3<<F\nUSER y', ['run', 'user']],
    ['RUN -- --mount\n# USER x\n  # USER y', ['run']],
    ['ENV A=b \\\n# c\n  C=d\nUSER x', ['env', 'user']],
  ])('%j', (text, kinds) => {
    expect(meanings(text)?.map(({ kind }) => kind)).toEqual(kinds as never);
  });

  test('the escape directive changes the continuation character', () => {
    const { stages } = parsed('# escape=`\nFROM x\nRUN a `\n b \\');
    expect(stages[0]?.instructions[0]).toMatchObject({ command: { text: 'a  b \\' } });
  });

  test.each([
    ['CMD ["a", "b c"]', { kind: 'cmd', command: { form: 'exec', argv: ['a', 'b c'] } }],
    ['CMD [ "a" ', { kind: 'cmd', command: { form: 'shell', text: '[ "a"' } }],
    ["CMD ['a']", { kind: 'cmd', command: { form: 'shell', text: "['a']" } }],
    [
      'ENTRYPOINT exec top -b',
      { kind: 'entrypoint', command: { form: 'shell', text: 'exec top -b' } },
    ],
    [
      'ENV A=1 B="x y" C=a\\ b',
      {
        ...{ kind: 'env', isOldForm: false },
        pairs: [
          ['A', '1'],
          ['B', '"x y"'],
          ['C', 'a\\ b'],
        ],
      },
    ],
    ['ENV A the rest  of it', { kind: 'env', isOldForm: true, pairs: [['A', 'the rest  of it']] }],
    ['LABEL "a b"=c', { kind: 'label', isOldForm: false, pairs: [['"a b"', 'c']] }],
    ['ARG A B=2', { kind: 'arg', args: [{ name: 'A' }, { name: 'B', value: '2' }] }],
    ['EXPOSE 80 $P/udp', { kind: 'expose', words: ['80', '$P/udp'] }],
    ['VOLUME ["/a", "/b c"]', { kind: 'volume', words: ['/a', '/b c'] }],
    ['SHELL ["/bin/bash", "-c"]', { kind: 'shell', argv: ['/bin/bash', '-c'] }],
    ['HEALTHCHECK NONE', { kind: 'healthcheck', check: { command: 'none' } }],
    ['RUN --network=none x', { ...run('x'), network: 'none' }],
  ])('%s', (text, meaning) => {
    expect(meanings(text)).toEqual([meaning as never]);
  });

  test('COPY with flags, several sources, JSON form and a heredoc', () => {
    const [one, two, three] =
      meanings(
        'COPY --from=a --chown=n:n --chmod=755 x "y z" /d/\nCOPY ["a b", "c"]\nCOPY x <<-E /d\n\tline\n\tE\n',
      ) ?? [];
    expect(one).toMatchObject({
      sources: ['x', '"y z"'],
      target: '/d/',
      from: 'a',
      chown: 'n:n',
      chmod: '755',
    });
    expect(two).toMatchObject({ sources: ['a b'], target: 'c', inline: [] });
    expect(three).toMatchObject({
      sources: ['x'],
      inline: [{ name: 'E', content: 'line\n', expands: true }],
    });
  });

  test('a heredoc that a command reads goes to the shell with it', () => {
    expect(meanings('RUN cat <<E > /f\none\nE\nUSER a')).toEqual([
      run('cat <<E > /f\none\nE\n'),
      { kind: 'user', value: 'a' },
    ]);
  });
});

describe('refuses with line, column and the line itself', () => {
  test.each([
    ['', 'Dockerfile:1:1: the Dockerfile cannot be empty'],
    ['# only a comment\n', 'Dockerfile:1:1: the Dockerfile cannot be empty'],
    ['RUN x', 'Dockerfile:1:1: no build stage in current context: FROM must come first'],
    ['FROM', 'Dockerfile:1:1: FROM requires either one or three arguments'],
    ['FROM a b', 'Dockerfile:1:1: FROM requires either one or three arguments'],
    ['FROM a AS 1b', 'Dockerfile:1:1: invalid name for build stage: "1b"'],
    ['FROM a\n\n  RUM x', 'Dockerfile:3:3: unknown instruction: RUM'],
    ['FROM a\nRUN', 'Dockerfile:2:1: RUN requires at least one argument'],
    [
      'FROM a\nCOPY x',
      'Dockerfile:2:1: COPY requires at least two arguments: sources and a destination',
    ],
    ['FROM a\nCOPY --link --link a b', 'Dockerfile:2:1: duplicate flag specified: --link'],
    [
      'FROM a\nCOPY --link=maybe a b',
      'Dockerfile:2:1: expecting boolean value for flag --link, not: maybe',
    ],
    ['FROM a\nCOPY --from= a b', 'Dockerfile:2:1: missing a value on flag: --from'],
    [
      'FROM a\nADD --checksum=md5:x a b',
      "Dockerfile:2:1: invalid checksum: 'md5:x' is neither sha256: with 64 hex digits nor a commit",
    ],
    ['FROM a\nRUN cat <<E\nx', 'Dockerfile:2:1: unterminated heredoc'],
    ['# escape=x\nFROM a', "Dockerfile:1:1: invalid ESCAPE 'x'"],
    ['# check=a\n# check=b\nFROM a', 'Dockerfile:2:1: only one check parser directive can be used'],
    ['FROM a\nHEALTHCHECK NONE x', 'Dockerfile:2:1: HEALTHCHECK NONE takes no arguments'],
    ['FROM a\nHEALTHCHECK x', 'Dockerfile:2:1: unknown type "x" in HEALTHCHECK (try CMD)'],
    ['FROM a\nCOPY --form=b a b', 'Dockerfile:2:1: unknown flag: COPY --form'],
    ['FROM a\nENV A', 'Dockerfile:2:1: ENV must have two arguments'],
    ['FROM a\nENV A=1 B', "Dockerfile:2:1: can't find = in 'B', must be ENV name=value"],
    ['FROM a\nARG =x', 'Dockerfile:2:1: ARG names can not be blank'],
    ['FROM a\nSHELL bash', 'Dockerfile:2:1: SHELL requires the arguments to be in JSON form'],
    [
      'FROM a\nRUN --security=none x',
      "Dockerfile:2:1: --security is sandbox, insecure, not 'none'",
    ],
    ['FROM a\nRUN --network=hos x', "Dockerfile:2:1: --network is default, none, host, not 'hos'"],
    ['FROM a\nHEALTHCHECK --interval=1x CMD a', "Dockerfile:2:1: invalid duration '1x'"],
  ])('%j', (text, message) => {
    expect(refused(text)).toMatchObject({ code: 'DOCKERFILE_INVALID', message });
  });

  test('and says what was meant', () => {
    expect(refused('FROM a\nUSER b\n\nCOYP x y\n').hint).toBe(
      `Did you mean COPY?
Dockerfile:4
--------------------
   2 |     USER b
   3 |
   4 | >>> COYP x y
--------------------`,
    );
  });
});

describe('expand', () => {
  const values: Record<string, string> = {
    p: 'a/b/c.tar.gz',
    star: '*x*',
    a: '1',
    empty: '',
    b_2: 'two',
    q: '"',
    nested: '$a',
  };
  test.each([
    ['$a-${a}x$b_2', '1-1xtwo'],
    ['$ $- ${unset}|', '$  |'],
    ['${unset:-d} ${empty:-d} ${empty-d} ${a:-d}', 'd d  1'],
    ['${unset:+x}|${empty:+x}|${empty+x}|${a:+x}', '||x|x'],
    ['${unset:-${a}}', '1'],
    ['${unset:-"a b"}', 'a b'],
    ['\'$a\'"$a"\\$a', '$a1$a'],
    ['"\\"\\$\\n"', '"$\\n'],
    ['a\\ b', 'a b'],
    ['$q$nested', '"$a'],
    ['', ''],
    ['${p#*/}|${p##*/}|${p%/*}|${p%%/*}', 'b/c.tar.gz|c.tar.gz|a/b|a'],
    ['${p%.*}|${p%%.*}|${p#?}|${p#x}', 'a/b/c.tar|a/b/c|/b/c.tar.gz|a/b/c.tar.gz'],
    ['${p/\\//-}|${p//\\//-}|${p//./}', 'a-b/c.tar.gz|a-b-c.tar.gz|a/b/ctargz'],
    ['${p/a*c/$a}|${p//[/x}|${unset#a}', '1.tar.gz|a/b/c.tar.gz|'],
    ['${star#\\*}|${star#*}|"${unset:-"${a}"}"', 'x*|*x*|1'],
  ])('%s', (word, expected) => {
    expect(expand(word, (name) => values[name])).toBe(expected);
  });

  test.each([
    ["'a", "unexpected end of statement while looking for matching '"],
    ['"a\\"', 'unexpected end of statement while looking for matching "'],
    ['"a', 'unexpected end of statement while looking for matching "'],
    ['${a', "syntax error: missing '}'"],
    ['${a!b}', 'unsupported modifier (!b) in substitution ${a!b}'],
    ['${unset:?must be given}', 'unset: must be given'],
    ['${unset?}', 'unset: is not allowed to be unset'],
  ])('refuses %s', (word, message) => {
    expect(() => expand(word, (name) => values[name])).toThrow(message);
  });

  test('a heredoc keeps its quotes, and what a backslash stands before', () => {
    expect(expandText('"$a" \'$a\' \\$a \\\\n', (name) => values[name])).toBe('"1" \'1\' $a \\n');
  });

  test('splitWords keeps what is quoted together', () => {
    expect(splitWords(' a "b c"  d\\ e ${x:-f g}\t\'h i\' ')).toEqual([
      'a',
      '"b c"',
      'd\\ e',
      '${x:-f g}',
      "'h i'",
    ]);
  });

  test('a variable that doubles itself comes to an end, and what is long by itself is no error', () => {
    const long = 'x'.repeat(200_000);
    expect(expand(long, () => undefined)).toBe(long);
    let value = 'abc';
    const doubling = () => {
      for (let i = 0; i < 40; i++) value = expand('$A$A', () => value);
    };
    expect(doubling).toThrow(SyntaxError);
    expect(doubling).toThrow('longer than 131072 characters');
    expect(() => expandText('$A'.repeat(1000), () => long)).toThrow('longer than 16777216');
  });

  test('whatever it is given, it ends: with text or with a SyntaxError', () => {
    let seed = 1;
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return seed % n;
    };
    const alphabet = ['$', '{', '}', '"', "'", '\\', ':', '-', '+', '?', 'a', ' ', '\n', 'é'];
    for (let i = 0; i < 5000; i++) {
      const text = Array.from({ length: random(12) }, () => alphabet[random(alphabet.length)]).join(
        '',
      );
      try {
        for (const word of splitWords(text))
          expect(typeof expand(word, (name) => values[name])).toBe('string');
        parsed(`FROM x\nENV a=${text}\nCOPY ${text} b`);
      } catch (error) {
        const isOurs =
          error instanceof SyntaxError || (error as ClocheError).code?.startsWith('DOCKERFILE');
        if (!isOurs) throw new Error(`${JSON.stringify(text)}: ${error}`);
      }
    }
  });
});

test('suggest finds what is near and nothing that is far', () => {
  const names = ['FROM', 'RUN', 'COPY', 'ENTRYPOINT'];
  expect(
    ['RUM', 'FORM', 'COPPY', 'ENTRYPIONT', 'XYZ', ''].map((word) => suggest(word, names)),
  ).toEqual(['RUN', 'FROM', 'COPY', 'ENTRYPOINT', undefined, undefined]);
});
