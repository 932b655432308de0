import type { Upper } from './upper.ts';

/** A user with a group of the same name and number. */
export interface Account {
  readonly name: string;
  readonly id: number;
  readonly home: string;
  readonly shell: string;
}

/**
 * Adds a user who cannot log in, as `useradd --create-home` does: lines in the four files of
 * accounts, as far as the image has them, and a home with what `/etc/skel` holds.
 *
 * Source: passwd(5), group(5), shadow(5), gshadow(5).
 */
export function addAccount(upper: Upper, { name, id, home, shell }: Account): void {
  const lines: Readonly<Record<string, string>> = {
    'etc/passwd': `${name}:x:${id}:${id}::${home}:${shell}`,
    'etc/group': `${name}:x:${id}:`,
    // The day of the last change is left empty: it would be today's.
    'etc/shadow': `${name}:!::0:99999:7:::`,
    'etc/gshadow': `${name}:!::`,
  };
  for (const [path, line] of Object.entries(lines))
    upper.edit(path, (content) => `${content.replace(/\n*$/, '\n')}${line}\n`);
  const directory = home.replace(/^\//, '');
  upper.makeDirectory(directory, 0o755, id);
  for (const [file, content] of upper.filesIn('etc/skel'))
    upper.writeFile(`${directory}/${file}`, content, 0o644, id);
}
