/**
 * The one error type of cloche: what went wrong, for a person, for a program and for an exit code.
 *
 * `code` is stable and is what tests and programs look at. `message` is lower case, has no full
 * stop and quotes the offending value. `hint` says what to do next. `class` decides the exit code
 * (and, for an API, the HTTP status).
 */
export class ClocheError extends Error {
  override readonly name = 'ClocheError';
  /** Stable, upper case: `IMAGE_NOT_FOUND`. */
  readonly code: string;
  readonly class: ErrorClass;
  /** What the user can do about it, a whole sentence or a command. */
  readonly hint: string | undefined;
  /** Facts for `--json`: numbers, paths, the errno. */
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: string, message: string, about: ErrorAbout = {}) {
    super(message, about.cause === undefined ? undefined : { cause: about.cause });
    this.code = code;
    this.class = about.class ?? 'internal';
    this.hint = about.hint;
    this.details = about.details ?? {};
  }
}

export type ErrorClass =
  | 'not-found'
  | 'conflict'
  | 'invalid-argument'
  | 'permission-denied'
  | 'unavailable'
  | 'internal';

export interface ErrorAbout {
  readonly class?: ErrorClass;
  readonly hint?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
}
