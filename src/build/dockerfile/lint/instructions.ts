import type { Instruction } from '../instruction.ts';
import type { Stage } from '../parse.ts';
import { type Finding, finding, type Subject } from './rule.ts';

/** Rules about single instructions, and those that a stage should have once. */
export function* instructions(subject: Subject): Generator<Finding> {
  const withWorkdir = new Set<string>();
  for (const stage of subject.dockerfile.stages) {
    yield* onlyOnce(stage);
    yield* shellForms(stage);
    yield* workdirs(stage, withWorkdir);
    for (const instruction of stage.instructions) yield* single(instruction, subject);
  }
}

function* single(instruction: Instruction, { ignores }: Subject): Generator<Finding> {
  const { place } = instruction;
  if ((instruction.kind === 'env' || instruction.kind === 'label') && instruction.isOldForm) {
    const keyword = instruction.kind.toUpperCase();
    yield finding(
      ...(['LegacyKeyValueFormat', place] as const),
      `"${keyword} key=value" should be used instead of legacy "${keyword} key value" format`,
    );
  }
  if (instruction.kind === 'copy' && instruction.from === undefined)
    for (const source of instruction.sources.filter((one) => !/[$*?[\\]|^\w+:\/\//.test(one)))
      if (ignores(source.replace(/^(\.?\/)+|\/+$/g, '')))
        yield finding(
          ...(['CopyIgnoredFile', place] as const),
          `Attempting to ${instruction.add === undefined ? 'Copy' : 'Add'} file "${source}" that is excluded by .dockerignore`,
        );
  if (instruction.kind === 'expose') for (const word of instruction.words) yield* port(word, place);
}

function* port(word: string, place: Instruction['place']): Generator<Finding> {
  const [, protocol = ''] = word.split('/');
  if (!protocol.includes('$') && protocol !== protocol.toLowerCase())
    yield finding(
      ...(['ExposeProtoCasing', place] as const),
      `Defined protocol '${word}' in EXPOSE instruction should be lowercase`,
    );
  if (/^[^$]*:/.test(word))
    yield finding(
      ...(['ExposeInvalidFormat', place] as const),
      `EXPOSE instruction should not define an IP address or host-port mapping, found '${word}'`,
    );
}

/** What counts is the last; the finding is about those before. */
function* onlyOnce({ instructions: all }: Stage): Generator<Finding> {
  for (const kind of ['cmd', 'entrypoint', 'healthcheck'])
    for (const { place } of all.filter((one) => one.kind === kind).slice(0, -1))
      yield finding(
        ...(['MultipleInstructionsDisallowed', place] as const),
        `Multiple ${kind.toUpperCase()} instructions should not be used in the same stage because only the last one will be used`,
      );
}

/** Whoever chooses a SHELL means the shell form. */
function* shellForms({ instructions: all }: Stage): Generator<Finding> {
  if (all.some(({ kind }) => kind === 'shell')) return;
  for (const instruction of all)
    if (
      (instruction.kind === 'cmd' || instruction.kind === 'entrypoint') &&
      instruction.command.form === 'shell'
    )
      yield finding(
        ...(['JSONArgsRecommended', instruction.place] as const),
        `JSON arguments recommended for ${instruction.kind.toUpperCase()} to prevent unintended behavior related to OS signals`,
      );
}

/** A relative WORKDIR is certain only above an absolute one, in this stage or the one below. */
function* workdirs(stage: Stage, withWorkdir: Set<string>): Generator<Finding> {
  let isCertain = withWorkdir.has(stage.base.toLowerCase());
  for (const { kind, place, ...rest } of stage.instructions) {
    if (kind !== 'workdir' || !('path' in rest)) continue;
    if (/^["']?[/$]/.test(rest.path)) isCertain = true;
    else if (!isCertain)
      yield finding(
        ...(['WorkdirRelativePath', place] as const),
        `Relative workdir "${rest.path}" can have unexpected results if the base image changes`,
      );
  }
  if (isCertain && stage.name !== undefined) withWorkdir.add(stage.name);
}
