// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what is tested
import { expect, test } from 'bun:test';
import { ClocheError } from '../../error.ts';
import { planGraph } from '../plan.ts';
import { planStages } from '../stages.ts';
import { lint } from './lint/lint.ts';
import { parse } from './parse.ts';
import { decodeSource } from './source.ts';

const SEEDS = [
  'ARG A=1\nFROM --platform=$BUILDPLATFORM base:${A:-x} AS one\nRUN --mount=type=cache,target=/c,id=$A x && \\\n  # c\n\n y\n',
  'FROM a\nCOPY --from=b --chown=1:2 --chmod=u+x --exclude=*.md x "y z" /d/\nADD --unpack=true https://h/x.git#r:d /e\n',
  'FROM a\nRUN <<-"E F" cat <<G\n\tx\n\tE F\ny\nG\nCOPY <<E <<F /h/\n$A ${A#?} \\$\nE\nF\n',
  '# escape=`\n# check=skip=all\nFROM scratch\nENV A=${B/x*/y} C="$D" E=\'f\' `\n  G=h\nLABEL "a b"=c\n',
  'FROM a\nHEALTHCHECK --interval=1m5s CMD ["a", "b"]\nONBUILD RUN x\nEXPOSE 1-5/udp $P\nVOLUME ["/a"]\nSHELL ["sh", "-c"]\n',
];
const PIECES = [
  ...[
    '\n',
    '\\\n',
    '\r\n',
    ' ',
    '\t',
    '"',
    "'",
    '\\',
    '`',
    '$',
    '${',
    '}',
    '${a:-',
    '${a##*',
    '//',
    '%%',
  ],
  ...[
    '<<',
    '<<-',
    'EOF',
    '--',
    '--mount=',
    '--from=',
    '=',
    ',',
    '[',
    ']',
    '["',
    '#',
    '!',
    ':',
    '*',
    '?',
  ],
  ...[
    'FROM ',
    'RUN ',
    'COPY ',
    'ADD ',
    'ENV ',
    'ARG ',
    'ONBUILD ',
    'é',
    '\u0000',
    '\uFFFD',
    '\uFEFF',
    '😀',
  ],
];

/** Numerical Recipes' generator, so that a failure can be repeated. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function mutated(text: string, random: (below: number) => number): string {
  let result = text;
  for (let count = random(8); count >= 0; count--) {
    const at = random(result.length + 1);
    const piece = PIECES[random(PIECES.length)] ?? '';
    const cut = random(3) === 0 ? random(20) : 0;
    result = result.slice(0, at) + piece.repeat(random(3)) + result.slice(at + cut);
  }
  return result;
}

function readAll(text: string): void {
  const source = decodeSource('Dockerfile', Buffer.from(text));
  const dockerfile = parse(source);
  lint(source);
  planGraph(dockerfile, planStages(dockerfile, { A: 'aXb' }), { images: new Map() });
}

test('whatever is read, what comes out is a graph or a ClocheError with place and hint', () => {
  const random = numbers(7);
  const outcomes = { graphs: 0, errors: 0 };
  const until = Date.now() + 4000;
  for (let round = 0; round < 20_000 && Date.now() < until; round++) {
    const text = mutated(SEEDS[random(SEEDS.length)] ?? '', random);
    try {
      readAll(text);
      outcomes.graphs++;
    } catch (error) {
      outcomes.errors++;
      const isGood =
        error instanceof ClocheError &&
        /^Dockerfile:\d+:\d+: ./s.test(error.message) &&
        (error.hint ?? '').length > 0;
      if (!isGood) throw new Error(`${JSON.stringify(text)}: ${(error as Error).stack}`);
    }
  }
  expect(outcomes.graphs).toBeGreaterThan(100);
  expect(outcomes.errors).toBeGreaterThan(100);
}, 20_000);

function many(count: number, line: (n: number) => string): string {
  return Array.from({ length: count }, (_, n) => line(n)).join('\n');
}

test.each([
  ['nested', `FROM a\nENV A=${'${a:-'.repeat(50_000)}`],
  ['quoted', `FROM a\nENV A=${'"${a:-'.repeat(50_000)}`],
  ['dollars', `FROM a\nENV A=${'$'.repeat(500_000)}`],
  ['continued', `FROM a\nRUN a ${'\\\n b'.repeat(100_000)}`],
  ['labels', `FROM a\n${many(20_000, (n) => `LABEL l${n}=1`)}`],
  ['variables', `FROM a\n${many(10_000, (n) => `ENV E${n}=1\nARG A${n}=$E${n}`)}`],
  ['volumes', `FROM a\n${many(10_000, (n) => `VOLUME /v${n}\nEXPOSE ${n + 1}`)}`],
  ['pattern', `FROM a\nARG A=${'a'.repeat(2000)}\nENV B=\${A##${'*a'.repeat(200)}b}`],
  ['wildcard', `FROM a\nCOPY ${'*a'.repeat(1000)}b /`],
  ['heredocs', `FROM a\nRUN ${'<<E '.repeat(2000)}\n${'E\n'.repeat(2000)}`],
])('what is huge takes little time: %s', (_, text) => {
  const start = Date.now();
  try {
    readAll(text);
  } catch (error) {
    expect(error).toBeInstanceOf(ClocheError);
  }
  expect(Date.now() - start).toBeLessThan(3000);
});

test.each([
  [Buffer.from('FROM a\nRUN caf\xe9', 'latin1'), 'Dockerfile:2:8: it is not UTF-8'],
  [Buffer.from('FROM a\nRUN \0'), 'Dockerfile:2:5: a NUL byte does not belong in a Dockerfile'],
  [Buffer.from('\ufeffFROM a', 'utf16le'), 'Dockerfile:1:1: it is not UTF-8'],
])('bytes that are no text: %#', (bytes, message) => {
  expect(() => decodeSource('Dockerfile', bytes)).toThrow(message);
});

test('a byte order mark and a replacement character are no harm', () => {
  const { stages } = parse(decodeSource('Dockerfile', Buffer.from('\uFEFFFROM a\nUSER \uFFFD')));
  expect(stages[0]?.instructions).toMatchObject([{ value: '\uFFFD' }]);
});
