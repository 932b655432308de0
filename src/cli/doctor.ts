import { Command } from 'commander';
import { type Finding, judge, readMachine } from '../engine/doctor/index.ts';
import { painted, print } from './print.ts';

/** `cloche doctor`: what this machine has and lacks, why it matters, and what brings it. */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('Say what this machine lacks, why it matters, and how to get it')
    .option('--fix', 'install the Debian packages that are missing, with apt-get', false)
    .option('-q, --quiet', 'say only what is missing', false)
    .option('--json', 'print JSON', false)
    .action(async (flags: { fix: boolean; quiet: boolean; json: boolean }) => {
      let findings = judge(await readMachine());
      if (flags.fix && install(findings)) findings = judge(await readMachine());
      const shown = flags.quiet ? findings.filter(({ state }) => state === 'missing') : findings;
      if (flags.json) print(`${JSON.stringify(findings, null, 2)}\n`);
      else for (const finding of shown) print(line(finding));
      process.exitCode = findings.some(({ state }) => state === 'missing') ? 1 : 0;
    });
}

function line({ name, state, found, why, remedy }: Finding): string {
  const mark = {
    ok: painted(1, 32, '✓'),
    missing: painted(1, 31, '✗'),
    degraded: painted(1, 33, '!'),
  };
  const head = `${mark[state]} ${name.padEnd(24)} ${found}\n`;
  if (state === 'ok') return head;
  const more = [why, ...(remedy === undefined ? [] : [painted(1, 33, remedy)])];
  return head + more.map((text) => `    ${text}\n`).join('');
}

/** @returns whether anything was installed */
function install(findings: readonly Finding[]): boolean {
  const packages = findings.flatMap(({ state, package: name }) =>
    state === 'missing' && name !== undefined ? [name] : [],
  );
  const isAble = process.getuid?.() === 0 && Bun.which('apt-get') !== null;
  if (packages.length === 0 || !isAble) return false;
  print(`cloche: installing ${packages.join(', ')} with apt-get (once)\n`, 2);
  const aptGet = (...args: string[]) =>
    Bun.spawnSync(['apt-get', '-y', '-qq', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  const wanted = ['install', '--no-install-recommends', ...packages];
  if (aptGet(...wanted).exitCode === 0) return true;
  aptGet('update');
  const { exitCode, stderr } = aptGet(...wanted);
  if (exitCode !== 0) print(stderr.toString(), 2);
  return exitCode === 0;
}
