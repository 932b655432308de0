import type { Command } from './instruction.ts';

/** A JSON array of strings, or undefined: anything else is meant for a shell. */
export function execForm(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((item) => typeof item === 'string')
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

/** The exec form if it is one, else the shell form. */
export function commandOf(text: string): Exclude<Command, { form: 'script' }> {
  const argv = execForm(text);
  return argv === undefined ? { form: 'shell', text } : { form: 'exec', argv };
}
