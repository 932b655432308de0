import { Command } from 'commander';
import { openEngine, settleAll } from '../engine/index.ts';
import { infoShape } from '../engine/look/info.ts';
import { formatWith } from './format/index.ts';
import { binarySize } from './output.ts';
import { print } from './print.ts';
import { VERSION } from './release.ts';

/** `cloche info`: what there is in all, and what this machine can give. */
export function infoCommand(): Command {
  return new Command('info')
    .description('Show what there is in all, and what this machine gives containers')
    .option('-f, --format <template>', 'json, or a Go template')
    .option('--json', 'print JSON', false)
    .action(async ({ format, json }: { format?: string; json: boolean }) => {
      const engine = openEngine();
      await settleAll(engine);
      const shape = { ...infoShape(engine, VERSION), ClientInfo: { Version: VERSION } };
      if (json) print(`${JSON.stringify(shape, null, 2)}\n`);
      else if (format === 'json') print(`${JSON.stringify(shape)}\n`);
      else if (format !== undefined) print(`${formatWith(format)(shape)}\n`);
      else {
        print(asText(shape));
        for (const warning of shape.Warnings) print(`${warning}\n`, 2);
      }
    });
}

/** docker's lines, as far as there is something to say. */
function asText(shape: ReturnType<typeof infoShape>): string {
  return `Client:
 Version:    ${shape.ServerVersion}

Server:
 Containers: ${shape.Containers}
  Running: ${shape.ContainersRunning}
  Paused: ${shape.ContainersPaused}
  Stopped: ${shape.ContainersStopped}
 Images: ${shape.Images}
 Server Version: ${shape.ServerVersion}
 Storage Driver: ${shape.Driver}
 Cgroup Driver: ${shape.CgroupDriver}
 Cgroup Version: ${shape.CgroupVersion}
 Runtimes: ${Object.keys(shape.Runtimes).join(' ')}
 Default Runtime: ${shape.DefaultRuntime}
 Security Options:
  seccomp
   Profile: builtin
  cgroupns
 Kernel Version: ${shape.KernelVersion}
 Operating System: ${shape.OperatingSystem}
 OSType: ${shape.OSType}
 Architecture: ${shape.Architecture}
 CPUs: ${shape.NCPU}
 Total Memory: ${binarySize(shape.MemTotal)}
 Name: ${shape.Name}
 Docker Root Dir: ${shape.DockerRootDir}
`;
}
