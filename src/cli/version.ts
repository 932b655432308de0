import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { ARCHITECTURE } from '../image/manifest.ts';
import { formatWith } from './format/index.ts';
import { print } from './print.ts';
import { VERSION } from './release.ts';

/** `cloche version`: which cloche this is, and on which kernel. Needs neither root nor a state. */
export function versionCommand(): Command {
  return new Command('version')
    .description('Show which version of cloche this is')
    .option('-f, --format <template>', 'json, or a Go template')
    .option('--json', 'print JSON', false)
    .action(({ format, json }: { format?: string; json: boolean }) => {
      const shape = versionShape();
      if (json) print(`${JSON.stringify(shape, null, 2)}\n`);
      else if (format === 'json') print(`${JSON.stringify(shape)}\n`);
      else print(format === undefined ? asText(shape) : `${formatWith(format)(shape)}\n`);
    });
}

/** docker's names. There is no server, and what is asked of one is answered by the command itself. */
function versionShape() {
  const own = { Version: VERSION, BunVersion: Bun.version, Os: 'linux', Arch: ARCHITECTURE };
  const KernelVersion = readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim();
  return {
    Client: own,
    Server: { Platform: { Name: 'cloche, without a daemon' }, ...own, KernelVersion },
  };
}

function asText({ Client, Server }: ReturnType<typeof versionShape>): string {
  const line = (name: string, value: string) => ` ${`${name}:`.padEnd(18)} ${value}\n`;
  return [
    'Client:\n',
    line('Version', Client.Version),
    line('Bun version', Client.BunVersion),
    line('OS/Arch', `${Client.Os}/${Client.Arch}`),
    '\nServer: none, the command does all of it\n',
    line('Kernel version', Server.KernelVersion),
  ].join('');
}
