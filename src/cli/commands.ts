import { CONTAINER, LIFE, listContainers } from './container-commands.ts';
import { alias, type Entries, type Entry } from './entry.ts';

const images: Entry = ['List images', async () => (await import('./images.ts')).imagesCommand()];
const rmi: Entry = [
  'Remove one or more images',
  async () => (await import('./rmi.ts')).rmiCommand(),
];
const build: Entry = [
  'Build an image from a Dockerfile',
  async () => (await import('./build/command.ts')).buildCommand(),
];

const listVolumes: Entry = [
  'List volumes',
  async () => (await import('./volume/list.ts')).volumeListCommand(),
];
const removeVolumes: Entry = [
  'Remove one or more volumes that no container has',
  async () => (await import('./volume/remove.ts')).volumeRemoveCommand(),
];

const inspect: Entry = [
  'Show all that is known of containers, images and volumes',
  async () => (await import('./inspect.ts')).inspectCommand(),
];
const inspectImage: Entry = [
  'Show all that is known of images',
  async () => (await import('./inspect.ts')).inspectCommand('image'),
];
const info: Entry = [
  'Show what there is in all, and what this machine gives containers',
  async () => (await import('./info.ts')).infoCommand(),
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

/**
 * Every command by its name. A command's file is only loaded when it is the one that was asked for:
 * `cloche run` shall start in a few milliseconds, and neither `--help` nor `--version` needs any.
 * These are the headings of the help, and what stands below each.
 */
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
  'Containers:': { ...LIFE, ps: listContainers, inspect },
  'Images:': { build, images, rmi, ...IMAGE },
  'Registries:': {
    search: [
      'Search Docker Hub for images',
      async () => (await import('./search.ts')).searchCommand(),
    ],
    login: ['Authenticate to a registry', async () => (await import('./login.ts')).loginCommand()],
    logout: ['Log out from a registry', async () => (await import('./logout.ts')).logoutCommand()],
  },
  'System:': {
    info,
    version: [
      'Show which version of cloche this is',
      async () => (await import('./version.ts')).versionCommand(),
    ],
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
    container: ['Manage containers', CONTAINER],
    image: [
      'Manage images',
      {
        build,
        ls: images,
        list: alias(images),
        rm: rmi,
        remove: alias(rmi),
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
        ls: listVolumes,
        list: alias(listVolumes),
        prune: [
          'Remove volumes that no container has',
          async () => (await import('./prune/volumes.ts')).volumePruneCommand(),
        ],
        rm: removeVolumes,
        remove: alias(removeVolumes),
      },
    ],
    system: [
      'Manage what there is in all',
      {
        info,
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
