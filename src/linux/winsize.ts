/** How large a terminal is, in characters. */
export interface TerminalSize {
  readonly height: number;
  readonly width: number;
}

/** `struct winsize`: rows, columns, and two fields that nobody uses; 16 bits each. Source: ioctl_tty(2). */
export function winsizeBytes({ height, width }: TerminalSize): Uint8Array {
  return new Uint8Array(Uint16Array.of(height, width, 0, 0).buffer);
}
