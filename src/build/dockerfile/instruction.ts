import type { Healthcheck } from '../../image/index.ts';
import type { Heredoc } from './heredoc.ts';
import type { MountFlag } from './mount.ts';
import type { Place } from './source.ts';

/** An instruction, understood; words still have their variables and quotes (see `words.ts`). */
export type Instruction = Meaning & {
  readonly place: Place;
  /** As it was written, on one line, for progress and history. */
  readonly text: string;
};

export type Meaning =
  | Run
  | Copy
  | { readonly kind: 'workdir'; readonly path: string }
  | {
      readonly kind: 'env' | 'label';
      readonly pairs: readonly Pair[];
      /** `ENV NAME value`. */
      readonly isOldForm: boolean;
    }
  | { readonly kind: 'arg'; readonly args: readonly Arg[] }
  | { readonly kind: 'user' | 'stopsignal'; readonly value: string }
  | { readonly kind: 'maintainer'; readonly value: string }
  | { readonly kind: 'cmd' | 'entrypoint'; readonly command: Command }
  | { readonly kind: 'expose' | 'volume'; readonly words: readonly string[] }
  | { readonly kind: 'shell'; readonly argv: readonly string[] }
  | { readonly kind: 'healthcheck'; readonly check: HealthcheckSpec }
  /** An instruction for whoever builds on the image, with its heredocs. */
  | { readonly kind: 'onbuild'; readonly trigger: string };

export interface Run {
  readonly kind: 'run';
  readonly command: Command;
  /** `none`, `host`; undefined is what the build was told. */
  readonly network?: 'none' | 'host' | undefined;
  /** `insecure`: with every capability, as `docker run --privileged`. */
  readonly security: 'sandbox' | 'insecure';
  readonly mounts: readonly MountFlag[];
}

export interface Copy {
  readonly kind: 'copy';
  readonly sources: readonly string[];
  readonly target: string;
  /** Files whose content stands in the Dockerfile itself. */
  readonly inline: readonly Heredoc[];
  /** A stage's name or number, or an image. */
  readonly from?: string | undefined;
  /** `user`, `user:group`, names or numbers. */
  readonly chown?: string | undefined;
  /** `0644`, `u+x,go-w`. */
  readonly chmod?: string | undefined;
  /** Into a layer that knows nothing of those below: links there are not followed. */
  readonly link: boolean;
  /** Sources keep the directories above them, or those after `/./`. */
  readonly parents: boolean;
  /** Patterns as in `.dockerignore`. */
  readonly exclude: readonly string[];
  /** What only ADD has. */
  readonly add: Additions | undefined;
}

export interface Additions {
  /** `sha256:…` of what is fetched, or a commit. */
  readonly checksum: string | undefined;
  readonly keepGitDir: boolean;
  /** Undefined: archives of the context are unpacked, fetched ones are not. */
  readonly unpack: boolean | undefined;
}

export type Pair = readonly [key: string, value: string];

export interface Arg {
  readonly name: string;
  readonly value?: string | undefined;
}

/**
 * The shell form is given to the image's shell as it is, the exec form to execve, a script with `#!`
 * to the program that it names.
 */
export type Command =
  | { readonly form: 'shell'; readonly text: string }
  | { readonly form: 'exec'; readonly argv: readonly string[] }
  | { readonly form: 'script'; readonly name: string; readonly content: string };

/** A healthcheck without its command's shell, which is known later. */
export type HealthcheckSpec = Omit<Healthcheck, 'Test'> & {
  readonly command: Exclude<Command, { form: 'script' }> | 'none';
};
