/**
 * What happens while an image is transferred, in the shape and the words of docker's own progress:
 * `{"status":"Downloading","id":"5c32499ab806","progressDetail":{"current":1,"total":9}}`.
 */
export interface TransferEvent {
  readonly status: string;
  /** The first 12 digits of a layer's digest, or of its diffID when pushing; a tag for the headline. */
  readonly id?: string;
  /** Bytes. */
  readonly progressDetail?: { readonly current: number; readonly total: number };
}

export type OnTransfer = (event: TransferEvent) => void;

/** The short name of a layer. */
export function shortId(digest: string): string {
  return digest.slice('sha256:'.length, 'sha256:'.length + 12);
}
