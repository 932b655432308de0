import type { ImageConfig } from '../../../image/index.ts';
import type { Dockerfile } from '../parse.ts';
import type { Place } from '../source.ts';
import type { Statement } from '../split.ts';

/** What one rule has against one place. */
export interface Finding {
  /** BuildKit's name: `StageNameCasing`. */
  readonly rule: Rule;
  readonly message: string;
  /** Docker's page about the rule. */
  readonly url: string;
  readonly place: Place;
}

/** A Dockerfile as rules see it. */
export interface Subject {
  readonly dockerfile: Dockerfile;
  readonly statements: readonly Statement[];
  /** Whether `.dockerignore` hides a file of the context. */
  readonly ignores: (path: string) => boolean;
  /** The configs of base images, as far as they are known. */
  readonly images: ReadonlyMap<string, ImageConfig>;
}

export type Check = (subject: Subject) => Generator<Finding>;

const RULES = {
  StageNameCasing: 'stage-name-casing',
  FromAsCasing: 'from-as-casing',
  NoEmptyContinuation: 'no-empty-continuation',
  ConsistentInstructionCasing: 'consistent-instruction-casing',
  DuplicateStageName: 'duplicate-stage-name',
  ReservedStageName: 'reserved-stage-name',
  JSONArgsRecommended: 'json-args-recommended',
  MaintainerDeprecated: 'maintainer-deprecated',
  UndefinedArgInFrom: 'undefined-arg-in-from',
  WorkdirRelativePath: 'workdir-relative-path',
  UndefinedVar: 'undefined-var',
  MultipleInstructionsDisallowed: 'multiple-instructions-disallowed',
  LegacyKeyValueFormat: 'legacy-key-value-format',
  RedundantTargetPlatform: 'redundant-target-platform',
  SecretsUsedInArgOrEnv: 'secrets-used-in-arg-or-env',
  InvalidDefaultArgInFrom: 'invalid-default-arg-in-from',
  FromPlatformFlagConstDisallowed: 'from-platform-flag-const-disallowed',
  CopyIgnoredFile: 'copy-ignored-file',
  InvalidDefinitionDescription: 'invalid-definition-description',
  ExposeProtoCasing: 'expose-proto-casing',
  ExposeInvalidFormat: 'expose-invalid-format',
  InvalidBaseImagePlatform: 'invalid-base-image-platform',
} as const;

export type Rule = keyof typeof RULES;

export function finding(rule: Rule, place: Place, message: string): Finding {
  return {
    rule,
    message,
    url: `https://docs.docker.com/go/dockerfile/rule/${RULES[rule]}/`,
    place,
  };
}
