import type { Comparison, Group } from '../../image/layers/index.ts';
import { size, table } from '../output.ts';
import { textOf } from './programs.ts';

/** How many groups are shown, and how many files of each, unless all are asked for. */
const GROUPS = 20;
const FILES = 3;

/** What the second image no longer carries, by package or directory, and what it has instead. */
export function comparisonText(
  { gone, added, before, after }: Comparison,
  about: { readonly first: string; readonly second: string; readonly all: boolean },
): string {
  const { first, second, all } = about;
  const ratio =
    after > 0 && before >= 1.1 * after ? `, ${(before / after).toFixed(1)} times smaller` : '';
  return [
    `${first} has ${size(before)} of files, ${second} ${size(after)}${ratio}\n`,
    `\n${second} no longer carries ${summary(gone)}\n${groupsText(gone, all)}`,
    added.length === 0
      ? ''
      : `\n${second} has besides ${summary(added)}\n${groupsText(added, all)}`,
  ].join('');
}

function summary(groups: readonly Group[]): string {
  const files = groups.reduce((sum, group) => sum + group.files.length, 0);
  const bytes = groups.reduce((sum, group) => sum + group.size, 0);
  return `${files} file${files === 1 ? '' : 's'} of ${parts(groups)}, ${size(bytes)}`;
}

function parts(groups: readonly Group[]): string {
  const packages = groups.filter(({ name }) => /^(package|npm) /.test(name)).length;
  return packages === 0
    ? places(groups.length)
    : `${packages} package${packages === 1 ? '' : 's'} and ${places(groups.length - packages)}`;
}

function groupsText(groups: readonly Group[], all: boolean): string {
  if (groups.length === 0) return '';
  const shown = groups.slice(0, all ? undefined : GROUPS);
  const rows = shown.flatMap((group) => rowsOf(group, all));
  const more = groups.length - shown.length;
  return `${table(['SIZE', 'FILES', 'WHAT'], rows)}${more > 0 ? `and ${more} more: --all\n` : ''}`;
}

function rowsOf({ name, size: bytes, files }: Group, all: boolean): string[][] {
  const shown = files.slice(0, all ? undefined : FILES);
  const more = files.length - shown.length;
  return [
    [size(bytes), String(files.length), textOf(name)],
    ...shown.map((file) => ['', '', `  /${textOf(file.path)}  ${size(file.size)}`]),
    ...(more > 0 ? [['', '', `  and ${more} more`]] : []),
  ];
}

function places(count: number): string {
  return `${count} place${count === 1 ? '' : 's'}`;
}
