import type { Command } from 'commander';

/** What a name on the command line stands for: one line about it, and its command or the group's. */
export type Entry = readonly [about: string, what: Load | Entries];
export type Entries = Readonly<Record<string, Entry>>;
type Load = () => Promise<Command>;

/**
 * Every command by its name. A command's file is only loaded when it is the one that was asked for:
 * `cloche run` shall start in a few milliseconds, and neither `--help` nor `--version` needs any.
 */
const LIFE: Entries = {
  run: [
    'Create and run a new container from an image',
    async () => (await import('./run.ts')).runCommand(),
  ],
  create: ['Create a new container', async () => (await import('./run.ts')).createCommand()],
  exec: [
    'Execute a command in a running container',
    async () => (await import('./exec.ts')).execCommand(),
  ],
  attach: [
    'Print what a running container prints, and wait for its end',
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
  diff: [
    "Show changes to files on a container's filesystem",
    async () => (await import('./diff.ts')).diffCommand(),
  ],
  rm: ['Remove one or more containers', async () => (await import('./rm.ts')).rmCommand()],
};

const ps: Entry = ['List containers', async () => (await import('./ps.ts')).psCommand()];
const images: Entry = ['List images', async () => (await import('./images.ts')).imagesCommand()];
const rmi: Entry = [
  'Remove one or more images',
  async () => (await import('./rmi.ts')).rmiCommand(),
];
const build: Entry = [
  'Build an image from a Dockerfile',
  async () => (await import('./build/command.ts')).buildCommand(),
];

const inspect: Entry = [
  'Show all that is known of containers, images and volumes',
  async () => (await import('./inspect.ts')).inspectCommand(),
];
const inspectImage: Entry = [
  'Show all that is known of images',
  async () => (await import('./inspect.ts')).inspectCommand('image'),
];
const inspectContainer: Entry = [
  'Show all that is known of containers',
  async () => (await import('./inspect.ts')).inspectCommand('container'),
];

/** What is called the same by itself and behind `cloche image`. */
const IMAGE: Entries = {
  layers: [
    'Show what each layer of an image holds and wastes, or how two images differ',
    async () => (await import('./layers/command.ts')).layersCommand(),
  ],
  history: [
    'Show the history of an image',
    async () => (await import('./history.ts')).historyCommand(),
  ],
  pull: [
    'Download an image from a registry',
    async () => (await import('./pull.ts')).pullCommand(),
  ],
  save: [
    'Save one or more images to a tar archive',
    async () => (await import('./save.ts')).saveCommand(),
  ],
  load: [
    'Load images from a tar archive or from standard input',
    async () => (await import('./load.ts')).loadCommand(),
  ],
  import: [
    'Make an image of the tar archive of a root file system',
    async () => (await import('./import.ts')).importCommand(),
  ],
  push: ['Upload an image to a registry', async () => (await import('./push.ts')).pushCommand()],
  tag: ['Give an image one more name', async () => (await import('./tag.ts')).tagCommand()],
};

/** Headings of the help, and what stands below each. */
export const COMMANDS: Readonly<Record<string, Entries>> = {
  'Playground:': {
    learn: [
      'Learn how containers are made, in lessons that watch the kernel',
      async () => (await import('./learn.ts')).learnCommand(),
    ],
    doctor: [
      'Say what this machine lacks, why it matters, and how to get it',
      async () => (await import('./doctor.ts')).doctorCommand(),
    ],
  },
  'Containers:': { ...LIFE, ps, inspect },
  'Images:': { build, images, rmi, ...IMAGE },
  'Registries:': {
    login: ['Authenticate to a registry', async () => (await import('./login.ts')).loginCommand()],
    logout: ['Log out from a registry', async () => (await import('./logout.ts')).logoutCommand()],
  },
  'Groups:': {
    builder: [
      'Manage builds',
      {
        build,
        prune: [
          'Remove build cache',
          async () => (await import('./prune/builder.ts')).builderPruneCommand(),
        ],
      },
    ],
    container: [
      'Manage containers',
      {
        ...LIFE,
        ls: ps,
        inspect: inspectContainer,
        prune: [
          'Remove all stopped containers',
          async () => (await import('./prune/containers.ts')).containerPruneCommand(),
        ],
      },
    ],
    image: [
      'Manage images',
      {
        build,
        ls: images,
        rm: rmi,
        inspect: inspectImage,
        prune: [
          'Remove unused images',
          async () => (await import('./prune/images.ts')).imagePruneCommand(),
        ],
        ...IMAGE,
      },
    ],
    volume: [
      'Manage volumes',
      {
        create: [
          'Create a volume',
          async () => (await import('./volume/create.ts')).volumeCreateCommand(),
        ],
        inspect: [
          'Show all that is known of volumes',
          async () => (await import('./volume/inspect.ts')).volumeInspectCommand(),
        ],
        ls: ['List volumes', async () => (await import('./volume/list.ts')).volumeListCommand()],
        prune: [
          'Remove volumes that no container has',
          async () => (await import('./prune/volumes.ts')).volumePruneCommand(),
        ],
        rm: [
          'Remove one or more volumes that no container has',
          async () => (await import('./volume/remove.ts')).volumeRemoveCommand(),
        ],
      },
    ],
    system: [
      'Manage what there is in all',
      {
        df: [
          'Show how much of the disk is used',
          async () => (await import('./prune/df.ts')).systemDfCommand(),
        ],
        prune: [
          'Remove all that is not in use',
          async () => (await import('./prune/system.ts')).systemPruneCommand(),
        ],
      },
    ],
    oci: [
      'An OCI runtime with the command line of runc',
      async () => (await import('./oci/index.ts')).ociCommand(),
    ],
  },
};
