/**
 * `--chmod`: octal (`755`, `0644`), or symbolic as chmod(1) has it (`u+x,go-w`, `a=rX`), which is
 * about the mode that a file has. The umask has no say. Pure.
 *
 * @throws {SyntaxError} it is neither
 */
export function checkMode(text: string): void {
  if (!/^[0-7]{1,5}$/.test(text) && !text.split(',').every((clause) => CLAUSE.test(clause)))
    throw new SyntaxError(`invalid chmod parameter: '${text}' is neither octal nor like u+x,go-w`);
  if (Number.parseInt(text, 8) > 0o7777)
    throw new SyntaxError(`invalid chmod parameter: '${text}' is more than 07777`);
}

/** The mode that a file of mode `bits` gets. `text` is one that `checkMode` takes. */
export function applyMode(text: string, bits: number, isDirectory: boolean): number {
  if (/^[0-7]+$/.test(text)) return Number.parseInt(text, 8);
  return text.split(',').reduce((mode, clause) => applyClause(clause, mode, isDirectory), bits);
}

const CLAUSE = /^([ugoa]*)((?:[-+=](?:[rwxXst]*|[ugo]))+)$/;
const SHIFT = { u: 6, g: 3, o: 0 } as const;

type Who = keyof typeof SHIFT;

function applyClause(clause: string, bits: number, isDirectory: boolean): number {
  const [, said = '', actions = ''] = CLAUSE.exec(clause) ?? [];
  const all = said === '' || said.includes('a');
  const who = (['u', 'g', 'o'] as const).filter((one) => all || said.includes(one));
  let mode = bits;
  for (const [, sign, rights = ''] of actions.matchAll(/([-+=])([rwxXstugo]*)/g)) {
    const change = who.reduce((sum, one) => sum | bitsFor(one, rights, mode, isDirectory), 0);
    const sticky = rights.includes('t') && all ? 0o1000 : 0;
    if (sign === '=') mode &= ~who.reduce((sum, one) => sum | ownBits(one), all ? 0o1000 : 0);
    mode = sign === '-' ? mode & ~(change | sticky) : mode | change | sticky;
  }
  return mode;
}

/** The bits that are only this one's: rwx, and the set-id bit. */
function ownBits(who: Who): number {
  return (0o7 << SHIFT[who]) | (who === 'u' ? 0o4000 : who === 'g' ? 0o2000 : 0);
}

function bitsFor(who: Who, rights: string, mode: number, isDirectory: boolean): number {
  const copied = /^[ugo]$/.test(rights) ? (mode >> SHIFT[rights as Who]) & 7 : 0;
  const mayExecute = rights.includes('X') && (isDirectory || (mode & 0o111) !== 0);
  const plain =
    (rights.includes('r') ? 4 : 0) |
    (rights.includes('w') ? 2 : 0) |
    (rights.includes('x') || mayExecute ? 1 : 0);
  const setId = rights.includes('s') ? ownBits(who) & 0o6000 : 0;
  return ((copied | plain) << SHIFT[who]) | setId;
}
