import { existsSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { ClocheError } from '../../error.ts';
import {
  cgroupSteps,
  detectCgroups,
  type Hierarchies,
  openCgroup,
  prepareParent,
} from '../../linux/cgroup/index.ts';
import { installedWalker } from '../../linux/walker/index.ts';
import type { Birth, Io } from '../birth/birth.ts';
import { ownMachine } from '../machine.ts';
import type { Mount, Spec } from '../spec.ts';
import { innerHooksOf } from './inner-hooks.ts';
import { guardOf } from './listener.ts';
import { resourcesOf } from './resources.ts';
import { parseSpec } from './schema.ts';

/** A bundle: a directory with a `config.json` and, mostly, the rootfs. */
export interface Bundle {
  /** Absolute. */
  readonly path: string;
  readonly spec: Spec;
}

/** @throws {ClocheError} `BUNDLE_INVALID`, `SPEC_INVALID` */
export function readBundle(directory: string): Bundle {
  const path = resolve(directory);
  const file = join(path, 'config.json');
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ClocheError('BUNDLE_INVALID', `JSON specification file ${file} not found`, {
      class: 'invalid-argument',
      hint: 'a bundle is a directory with a config.json; cloche oci spec writes one',
      cause,
    });
  }
  const spec = parseSpec(text, file);
  refuseUnsupported(spec);
  requireProgram(spec);
  return { path, spec: { ...spec, mounts: spec.mounts?.map((mount) => fromBundle(path, mount)) } };
}

/** The source of a bind mount is relative to the bundle, wherever we are. Source: config.md, "Mounts". */
function fromBundle(bundle: string, mount: Mount): Mount {
  const { type, source, options = [] } = mount;
  const isBind = type === 'bind' || options.includes('bind') || options.includes('rbind');
  return isBind && source ? { ...mount, source: resolve(bundle, source) } : mount;
}

/** What is asked for and cannot be done is an error and never ignored. */
function refuseUnsupported({ process, linux }: Spec): void {
  const asked = [
    process?.apparmorProfile === undefined ? [] : ['process.apparmorProfile'],
    process?.selinuxLabel === undefined ? [] : ['process.selinuxLabel'],
    linux?.mountLabel === undefined ? [] : ['linux.mountLabel'],
    linux?.cgroupsPath?.includes(':') === true ? ['linux.cgroupsPath in systemd form'] : [],
  ].flat();
  if (asked.length > 0)
    throw new ClocheError('SPEC_UNSUPPORTED', `not supported: ${asked.join(', ')}`, {
      class: 'invalid-argument',
      hint: 'take it out of the config.json; cloche oci features says what is supported',
    });
}

/** The specification allows neither to be there; there would be nothing to run. In runc's words. */
function requireProgram({ process }: Spec): void {
  if (process?.args !== undefined && process.args.length > 0) return;
  throw new ClocheError(
    'SPEC_INVALID',
    process === undefined ? 'process property must not be empty' : 'args must not be empty',
    { class: 'invalid-argument', hint: 'process.args in config.json begins with the program' },
  );
}

/** The cgroup of a container, where the config names none: beside those of `cloche run`. */
export function cgroupPathOf(spec: Spec, id: string): string {
  const path = spec.linux?.cgroupsPath ?? `/cloche/oci-${id}`;
  return isAbsolute(path) ? path : `/${path}`;
}

export interface BirthOptions {
  readonly io: Io;
  readonly startFifo?: string | undefined;
  readonly outcomeFifo?: string | undefined;
  readonly bound: boolean;
  readonly preserveFds?: number | undefined;
}

/**
 * Everything that a container of a bundle depends on, looked up now.
 *
 * @throws {ClocheError} `BUNDLE_INVALID`: no rootfs; what cgroups and seccomp throw.
 */
export async function birthOfBundle(
  id: string,
  { path, spec }: Bundle,
  options: BirthOptions,
): Promise<Birth> {
  const group = cgroupPathOf(spec, id);
  const hierarchies = prepareParent(detectCgroups(), dirname(group));
  await takeOver(hierarchies, group);
  const { resources, warnings } = resourcesOf(spec, hierarchies);
  const inner = innerHooksOf(id, { path, spec });
  const guard = guardOf(spec, { id, bundle: path });
  return {
    ...options,
    id,
    spec,
    root: { kind: 'directory', path: rootfsOf(path, spec) },
    machine: ownMachine(),
    sourceKind: (source) =>
      statSync(source, { throwIfNoEntry: false })?.isDirectory() === false ? 'file' : 'directory',
    walkerSize: installedWalker().size,
    // The shim does not remove it: whoever is left in it, and what was made below it, take more than that.
    cgroup: { ...cgroupSteps(hierarchies, group, resources), remove: [] },
    seccomp: guard.seccomp,
    listener: guard.listener,
    warnings: [...warnings, ...guard.warnings],
    hooks:
      [...(spec.hooks?.prestart ?? []), ...(spec.hooks?.createRuntime ?? [])].length > 0 ||
      inner !== undefined,
    innerHooks: inner,
  };
}

/**
 * A cgroup of that name may be left of a container that was killed together with its shim; then it
 * goes. One with processes in it is somebody else's: clearing away after us would end them.
 *
 * @throws {ClocheError} `CGROUP_IN_USE`
 */
async function takeOver(hierarchies: Hierarchies, group: string): Promise<void> {
  if (!hierarchies.all.some(({ mountPoint }) => existsSync(`${mountPoint}${group}`))) return;
  const found = openCgroup(hierarchies, group);
  const inside = found.processes();
  if (inside.length > 0)
    throw new ClocheError('CGROUP_IN_USE', `cgroup '${group}' has processes in it`, {
      class: 'conflict',
      hint: 'two containers cannot share a cgroup; give linux.cgroupsPath another name',
      details: { processes: inside },
    });
  await found.remove();
}

/** @throws {ClocheError} `BUNDLE_INVALID` */
export function rootfsOf(bundle: string, spec: Spec): string {
  const path = resolve(bundle, spec.root?.path ?? 'rootfs');
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return realpathSync(path);
  throw new ClocheError('BUNDLE_INVALID', `rootfs '${path}' is no directory`, {
    class: 'invalid-argument',
    hint: 'root.path in config.json is relative to the bundle',
  });
}
