/**
 * A mount of RUN, ready to be made: everything that names meant has been found. Targets are absolute
 * in the container's root; other paths are this machine's.
 */
export type ReadyMount =
  | LayeredMount
  /** A directory or file as it is; writes to it stay. */
  | {
      readonly kind: 'host';
      readonly target: string;
      readonly source: string;
      readonly readonly: boolean;
    }
  /** `size` in bytes. */
  | { readonly kind: 'tmpfs'; readonly target: string; readonly size: number | undefined }
  | (FileDress & {
      readonly kind: 'secret';
      readonly target: string;
      readonly content: Uint8Array;
    })
  /** The socket of an agent, to be shown under another owner and mode. */
  | (FileDress & { readonly kind: 'agent'; readonly target: string; readonly socket: string });

/** A directory of a tree; what is written to it goes away with the command. */
export interface LayeredMount {
  readonly kind: 'layered';
  readonly target: string;
  /** Directories, the uppermost first, in overlayfs' form; none of them: an empty one. */
  readonly layers: readonly string[];
  /** Paths relative to it that must not be seen. */
  readonly hidden: readonly string[];
  readonly readonly: boolean;
}

export interface FileDress {
  readonly uid: number;
  readonly gid: number;
  /** Permission bits. */
  readonly mode: number;
}
