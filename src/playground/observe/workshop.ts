import type { Group } from '../../image/layers/index.ts';

/** What workshop lessons look at: images, the builds' own records, and containers that run. */
export interface Workshop {
  /** The image of that name as it is in the store now. */
  image(name: string): ImageView | undefined;
  /** What `from` has and `to` no longer carries, the largest group first; nothing where one is missing. */
  lost(from: string, to: string): readonly Group[];
  /** What the builder wrote down of its builds of that name, the latest first. */
  builds(name: string): readonly BuildView[];
  /** The running container of that name. */
  container(name: string): Promise<ContainerView | undefined>;
}

export interface ImageView {
  /** `sha256:…` */
  readonly id: string;
  /** Bytes of all files of all layers. */
  readonly size: number;
  readonly user: string;
  readonly labels: Readonly<Record<string, string>>;
  /** The lines that made it, lowest first. */
  readonly history: readonly string[];
  /** Whether there is something at this absolute path, links followed within the image. */
  has(path: string): boolean;
  /** All its files, by the package or directory that they belong to, the largest group first. */
  contents(): readonly Group[];
}

/** One build, from its own record. */
export interface BuildView {
  readonly finished: Date;
  readonly steps: readonly BuildStepView[];
}

export interface BuildStepView {
  /** `[stage 2/4] RUN npm ci` */
  readonly name: string;
  readonly cached: boolean;
  readonly seconds: number;
}

export interface ContainerView {
  /** Its first process, in the observer's pid namespace. */
  readonly pid: number;
  readonly started: Date;
  /** The id of the image that it was made of. */
  readonly image: string;
}
