// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what is tested
import { expect, test } from 'bun:test';
import { lint } from './lint.ts';

const found = (text: string, options = {}) =>
  lint({ name: 'Dockerfile', text }, options).findings.map(
    ({ rule, place }) => `${place.line} ${rule}`,
  );

test.each([
  ['FROM a AS Build', ['1 StageNameCasing']],
  ['FROM a as b', ['1 FromAsCasing']],
  ['FROM a\nRUN x \\\n\n y', ['2 NoEmptyContinuation']],
  [
    'FROM a\nrun x\nRun y\nRUN z',
    ['2 ConsistentInstructionCasing', '3 ConsistentInstructionCasing'],
  ],
  ['from a as b\nrun x\nRUN z', ['3 ConsistentInstructionCasing']],
  ['FROM a AS b\nFROM c AS B', ['2 StageNameCasing', '2 DuplicateStageName']],
  ['FROM a AS scratch', ['1 ReservedStageName']],
  ['FROM a\nCMD x y', ['2 JSONArgsRecommended']],
  ['FROM a\nSHELL ["/bin/bash", "-c"]\nCMD x y', []],
  ['FROM a\nMAINTAINER me', ['2 MaintainerDeprecated']],
  ['ARG V=1\nFROM a:$X', ['2 UndefinedArgInFrom']],
  ['FROM --platform=$BUILDPLATFORM a', []],
  ['FROM a\nWORKDIR x', ['2 WorkdirRelativePath']],
  ['FROM a AS b\nWORKDIR /x\nWORKDIR y\nFROM b\nWORKDIR z', []],
  ['FROM scratch\nARG A\nENV B=$A C=$D E=${F:-1}', ['3 UndefinedVar']],
  ['FROM unknown\nENV B=$GOPATH', []],
  ['FROM unknown\nARG VERSION\nENV B=$VERSON', ['3 UndefinedVar']],
  ['FROM a\nCMD ["x"]\nCMD ["y"]', ['2 MultipleInstructionsDisallowed']],
  ['FROM a\nENV A b', ['2 LegacyKeyValueFormat']],
  ['FROM --platform=$TARGETPLATFORM a', ['1 RedundantTargetPlatform']],
  ['FROM --platform=linux/amd64 a', ['1 FromPlatformFlagConstDisallowed']],
  ['FROM --platform=linux/amd64 a AS b_amd64', []],
  [
    'FROM a\nARG API_TOKEN PUBLIC_KEY KEYS\nENV DB_PASSWORD=x',
    ['2 SecretsUsedInArgOrEnv', '3 SecretsUsedInArgOrEnv'],
  ],
  ['ARG V\nFROM a:$V', ['2 InvalidDefaultArgInFrom']],
  ['ARG V\nFROM a:${V:-1}', []],
  ['FROM a\nEXPOSE 80/TCP', ['2 ExposeProtoCasing']],
  ['FROM a\nEXPOSE 127.0.0.1:80:80', ['2 ExposeInvalidFormat']],
  ['# check=skip=all\nFROM a as B\nCMD x', []],
  ['# check=skip=FromAsCasing;error=true\nFROM a as B', ['2 StageNameCasing']],
  [
    '# check=experimental=all\n# other\nARG X=1\n# Y is\nARG Y\nFROM a',
    ['3 InvalidDefinitionDescription'],
  ],
  ['# other\nARG X=1\nFROM a', []],
])('%j', (text, rules) => {
  expect(found(text)).toEqual(rules);
});

test('a COPY of what .dockerignore hides', () => {
  const ignores = (path: string) => path === 'secret/key';
  expect(found('FROM a\nCOPY ./secret/key other /', { ignores })).toEqual(['2 CopyIgnoredFile']);
});

test('a finding has its page, and check= of the command line wins', () => {
  const source = { name: 'Dockerfile', text: '# check=error=true\nFROM a as b' };
  const { findings, isError } = lint(source);
  expect(isError).toBe(true);
  expect(findings[0]).toEqual({
    rule: 'FromAsCasing',
    message: "'as' and 'FROM' keywords' casing do not match",
    url: 'https://docs.docker.com/go/dockerfile/rule/from-as-casing/',
    place: { line: 2, column: 1, endLine: 2 },
  });
  expect(lint(source, { check: 'skip=FromAsCasing' })).toEqual({ findings: [], isError: false });
});
