import { Command } from 'commander';
import { type Finding, judge, readMachine } from '../engine/doctor/index.ts';
import { painted } from './output.ts';

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
      if (flags.json) process.stdout.write(`${JSON.stringify(findings, null, 2)}\n`);
      else for (const finding of shown) process.stdout.write(line(finding));
      process.exitCode = findings.some(({ state }) => state === 'missing') ? 1 : 0;
    });
}

function line({ name, state, found, why, remedy }: Finding): string {
  const { stdout } = process;
  const mark = {
    ok: painted(stdout, 32, '✓'),
    missing: painted(stdout, 31, '✗'),
    degraded: painted(stdout, 33, '!'),
  };
  const head = `${mark[state]} ${name.padEnd(24)} ${found}\n`;
  if (state === 'ok') return head;
  const more = [why, ...(remedy === undefined ? [] : [painted(stdout, 33, remedy)])];
  return head + more.map((text) => `    ${text}\n`).join('');
}

/** @returns whether anything was installed */
function install(findings: readonly Finding[]): boolean {
  const packages = findings.flatMap(({ state, package: name }) =>
    state === 'missing' && name !== undefined ? [name] : [],
  );
  const isAble = process.getuid?.() === 0 && Bun.which('apt-get') !== null;
  if (packages.length === 0 || !isAble) return false;
  process.stderr.write(`cloche: installing ${packages.join(', ')} with apt-get (once)\n`);
  const aptGet = (...args: string[]) =>
    Bun.spawnSync(['apt-get', '-y', '-qq', ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
  const wanted = ['install', '--no-install-recommends', ...packages];
  if (aptGet(...wanted).exitCode === 0) return true;
  aptGet('update');
  const { exitCode, stderr } = aptGet(...wanted);
  if (exitCode !== 0) process.stderr.write(stderr);
  return exitCode === 0;
}
