import { join } from 'node:path';
import { Command, Option } from 'commander';
import { ClocheError } from '../../error.ts';
import { signalNumber } from '../../linux/signals.ts';
import { create, kill, remove, run, start } from '../../runtime/oci/index.ts';
import { runRoot } from '../../state.ts';
import { whole } from '../flags.ts';
import { type Context, contextOf, type GlobalFlags } from './context.ts';
import { controlCommands } from './control.ts';
import { ociExec } from './exec.ts';
import { withProgram } from './foreground.ts';
import { lookCommands } from './look.ts';
import { ociFeatures, ociSpec } from './spec.ts';
import { withRuncsUsage } from './usage.ts';

const VERSION = '0.1.0';

/** `cloche oci`: the runtime by itself, with runc's command line, for other engines and their tests. */
export function ociCommand(): Command {
  const context = contextOf(() => oci.opts<GlobalFlags>());
  const oci: Command = new Command('oci')
    .description('An OCI runtime with the command line of runc')
    .enablePositionalOptions()
    .option('--root <directory>', 'where containers are written down', join(runRoot(), 'oci'))
    .option('--log <file>', 'where errors are written, too')
    .addOption(new Option('--log-format <format>', 'how').choices(['text', 'json']).default('text'))
    .option('--systemd-cgroup', 'not supported', false)
    .option('--debug', 'accepted: errors say all they know anyway', false)
    .addOption(
      new Option('--rootless <value>', 'accepted: it must be run as root').choices([
        ...['true', 'false', 'auto'],
      ]),
    )
    .version(`cloche version ${VERSION}\nspec: 1.2.0`, '-v, --version')
    .hook('preAction', (command) => {
      context.openLog();
      if (command.opts<{ systemdCgroup: boolean }>().systemdCgroup)
        throw new ClocheError('SYSTEMD_CGROUP', 'systemd cgroups are not supported', {
          class: 'invalid-argument',
          hint: 'leave --systemd-cgroup away',
        });
    });
  for (const command of [
    ...lifeCommands(context),
    ...lookCommands(context),
    ...controlCommands(context),
    ociExec(context),
    ociSpec(),
    ociFeatures(),
  ])
    oci.addCommand(command.exitOverride());
  return withRuncsUsage(oci, context);
}

function creating(name: string, about: string): Command {
  return new Command(name)
    .description(about)
    .argument('<id>')
    .option('-b, --bundle <directory>', 'the bundle', '.')
    .option('--pid-file <file>', "where to write init's pid")
    .option('--console-socket <path>', 'where the terminal is sent to')
    .option('--preserve-fds <number>', 'so many descriptors from 3 on are kept', whole, 0)
    .option('--no-pivot', 'not supported: the root is always pivoted to')
    .option('--no-new-keyring', 'accepted: no keyring is made')
    .hook('preAction', (_, command) => {
      if (command.opts<{ pivot: boolean }>().pivot) return;
      throw new ClocheError('FLAG_UNSUPPORTED', 'not supported: --no-pivot', {
        class: 'invalid-argument',
        hint: 'leave --no-pivot away',
      });
    });
}

function lifeCommands({ root, logged, warn }: Context): Command[] {
  return [
    creating('create', 'Create a container; start lets its program begin').action(
      logged(async (id, flags) => {
        await create(id, { ...flags, root: root(), onWarnings: warn });
      }),
    ),
    creating('run', 'Create and start a container')
      .option('-d, --detach', 'do not wait for its end', false)
      .action(
        logged(async (id, flags) => {
          const options = { ...flags, root: root(), onWarnings: warn };
          if (flags.detach) {
            await create(id, options);
            await start(root(), id);
            return;
          }
          process.exitCode = await withProgram(
            (onStarted) => run(id, { ...options, onStarted }),
            process.stdin.isTTY === true && flags.consoleSocket === undefined,
          );
        }),
      ),
    new Command('start')
      .description('Start a created container')
      .argument('<id>')
      .action(logged((id) => start(root(), id))),
    new Command('kill')
      .description('Send a signal to a container')
      .argument('<id>')
      .argument('[signal]', 'a name or a number', 'SIGTERM')
      .option('-a, --all', 'to all its processes', false)
      .action(logged((id, signal, flags) => kill(root(), id, signalNumber(signal), flags.all))),
    new Command('delete')
      .description('Delete a stopped container')
      .argument('<id>')
      .option('-f, --force', 'kill it first if it runs', false)
      .action(logged((id, flags) => remove(root(), id, { force: flags.force, onWarnings: warn }))),
  ];
}
