import type { Healthcheck } from '../../image/index.ts';
import type { MountFlag } from './mount.ts';
import type { Place } from './source.ts';
import type { Heredoc } from './split.ts';

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
  | { readonly kind: 'env' | 'label'; readonly pairs: readonly Pair[] }
  | { readonly kind: 'arg'; readonly args: readonly Arg[] }
  | { readonly kind: 'user' | 'stopsignal' | 'maintainer'; readonly value: string }
  | { readonly kind: 'cmd' | 'entrypoint'; readonly command: Command }
  | { readonly kind: 'expose' | 'volume'; readonly words: readonly string[] }
  | { readonly kind: 'shell'; readonly argv: readonly string[] }
  | { readonly kind: 'healthcheck'; readonly check: HealthcheckSpec };

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
  /** Octal. */
  readonly chmod?: string | undefined;
}

export type Pair = readonly [key: string, value: string];

export interface Arg {
  readonly name: string;
  readonly value?: string | undefined;
}

/** The shell form is given to the image's shell as it is, the exec form to execve. */
export type Command =
  | { readonly form: 'shell'; readonly text: string }
  | { readonly form: 'exec'; readonly argv: readonly string[] };

/** A healthcheck without its command's shell, which is known later. */
export type HealthcheckSpec = Omit<Healthcheck, 'Test'> & { readonly command: Command | 'none' };
