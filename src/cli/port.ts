import { Command } from 'commander';
import {
  containerSide,
  getContainer,
  hostSide,
  isAlive,
  openEngine,
  parseExpose,
  settleAll,
} from '../engine/index.ts';
import { ClocheError } from '../error.ts';
import { print } from './print.ts';

/** `cloche port`: where a container's ports are found on this host. */
export function portCommand(): Command {
  return new Command('port')
    .description('List port mappings or a specific mapping for the container')
    .argument('<container>')
    .argument('[port]', 'a port of the container, such as 80 or 53/udp')
    .option('--json', 'print JSON', false)
    .action(async (name: string, wanted: string | undefined, { json }: { json: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      const container = getContainer(engine, name);
      const bound = isAlive(container) ? container.ports : [];
      const port = wanted === undefined ? undefined : parseExpose(wanted).map(containerSide);
      const shown = bound.filter((binding) => port?.includes(containerSide(binding)) ?? true);
      if (port !== undefined && shown.length === 0)
        throw new ClocheError(
          'PORT_NOT_PUBLISHED',
          `no public port '${port[0]}' published for ${container.name}`,
          { class: 'not-found', hint: 'a port is published when the container is made: run -p' },
        );
      const line = (binding: (typeof shown)[number]) =>
        port === undefined
          ? `${containerSide(binding)} -> ${hostSide(binding)}`
          : hostSide(binding);
      print(
        json
          ? `${JSON.stringify(shown, null, 2)}\n`
          : shown.map((binding) => `${line(binding)}\n`).join(''),
      );
    });
}
