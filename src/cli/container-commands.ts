import { alias, type Entries, type Entry } from './entry.ts';
import { createCommand, runCommand } from './run.ts';

const rm: Entry = [
  'Remove one or more containers',
  async () => (await import('./rm.ts')).rmCommand(),
];

/**
 * What is called the same by itself and behind `cloche container`. `run` is there from the beginning: nearly
 * all that it needs is needed by the others too, and one file is loaded faster than thirty that share it.
 */
export const LIFE: Entries = {
  run: ['Create and run a new container from an image', runCommand],
  create: ['Create a new container', createCommand],
  exec: [
    'Execute a command in a running container',
    async () => (await import('./exec.ts')).execCommand(),
  ],
  attach: [
    'Join a running container: its output, and with -i its input',
    async () => (await import('./attach.ts')).attachCommand(),
  ],
  kill: [
    'Kill one or more running containers',
    async () => (await import('./kill.ts')).killCommand(),
  ],
  export: [
    "Export a container's filesystem as a tar archive",
    async () => (await import('./export.ts')).exportCommand(),
  ],
  logs: ['Show the output of a container', async () => (await import('./logs.ts')).logsCommand()],
  start: [
    'Start one or more stopped containers',
    async () => (await import('./start.ts')).startCommand(),
  ],
  stop: [
    'Stop one or more running containers',
    async () => (await import('./stop.ts')).stopCommand(),
  ],
  restart: [
    'Restart one or more containers',
    async () => (await import('./start.ts')).restartCommand(),
  ],
  wait: [
    'Wait until containers have ended, and print their exit codes',
    async () => (await import('./wait.ts')).waitCommand(),
  ],
  pause: [
    'Pause all processes of one or more containers',
    async () => (await import('./pause.ts')).pauseCommand(),
  ],
  unpause: [
    'Unpause all processes of one or more containers',
    async () => (await import('./pause.ts')).unpauseCommand(),
  ],
  port: [
    'List port mappings or a specific mapping for the container',
    async () => (await import('./port.ts')).portCommand(),
  ],
  rename: ['Rename a container', async () => (await import('./rename.ts')).renameCommand()],
  top: [
    'Show the running processes of a container',
    async () => (await import('./top.ts')).topCommand(),
  ],
  stats: [
    'Show what containers use of CPU, memory, network and disks',
    async () => (await import('./stats.ts')).statsCommand(),
  ],
  cp: [
    'Copy files between a container and this machine',
    async () => (await import('./cp.ts')).cpCommand(),
  ],
  commit: [
    "Create a new image from a container's changes",
    async () => (await import('./commit.ts')).commitCommand(),
  ],
  update: [
    'Change the limits of one or more containers',
    async () => (await import('./update.ts')).updateCommand(),
  ],
  diff: [
    "Show changes to files on a container's filesystem",
    async () => (await import('./diff.ts')).diffCommand(),
  ],
  rm,
};

export const listContainers: Entry = [
  'List containers',
  async () => (await import('./ps.ts')).psCommand(),
];
const inspectContainer: Entry = [
  'Show all that is known of containers',
  async () => (await import('./inspect.ts')).inspectCommand('container'),
];

/** What stands behind `cloche container`. */
export const CONTAINER: Entries = {
  ...LIFE,
  ls: listContainers,
  list: alias(listContainers),
  ps: alias(listContainers),
  remove: alias(rm),
  inspect: inspectContainer,
  prune: [
    'Remove all stopped containers',
    async () => (await import('./prune/containers.ts')).containerPruneCommand(),
  ],
};
