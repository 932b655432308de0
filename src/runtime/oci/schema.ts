import { ClocheError } from '../../error.ts';
import { z } from '../../zod.ts';
import type { Process, Spec } from '../spec.ts';
import { resources } from './resources-schema.ts';

/** Checks a `config.json` that somebody else has written. Imported only where one is read. */

const id = z.int().min(0).max(0xffff_ffff);
const absolute = z.string().startsWith('/', 'must be an absolute path');
const strings = z.array(z.string());
const NOT_SUPPORTED = 'not supported: take it out, what cannot be done is never ignored';
const unsupported = z.null(NOT_SUPPORTED).optional();
const isNoIdMapping = (option: string) => !/^r?idmap(=|$)/.test(option);

const hook = z.object({
  path: absolute,
  args: strings.optional(),
  env: strings.optional(),
  timeout: z.int().positive().optional(),
});
const hooks = z.array(hook).optional();

const nanoseconds = z.int().min(0).optional();

const process = z.object({
  terminal: z.boolean().optional(),
  consoleSize: z.object({ height: z.int().min(0), width: z.int().min(0) }).optional(),
  user: z.object({
    uid: id,
    gid: id,
    umask: z.int().optional(),
    additionalGids: z.array(id).optional(),
  }),
  args: strings.min(1).optional(),
  env: strings.optional(),
  cwd: absolute,
  capabilities: z
    .object({
      bounding: strings.optional(),
      effective: strings.optional(),
      inheritable: strings.optional(),
      permitted: strings.optional(),
      ambient: strings.optional(),
    })
    .optional(),
  rlimits: z
    .array(z.object({ type: z.string(), soft: z.number().min(0), hard: z.number().min(0) }))
    .optional(),
  noNewPrivileges: z.boolean().optional(),
  scheduler: z
    .object({
      policy: z.string(),
      nice: z.int().min(-20).max(19).optional(),
      priority: z.int().min(0).max(99).optional(),
      flags: strings.optional(),
      ...{ runtime: nanoseconds, deadline: nanoseconds, period: nanoseconds },
    })
    .optional(),
  ioPriority: z.object({ class: z.string(), priority: z.int().min(0).max(7) }).optional(),
  execCPUAffinity: unsupported,
  oomScoreAdj: z.int().min(-1000).max(1000).optional(),
  apparmorProfile: z.string().optional(),
  selinuxLabel: z.string().optional(),
});

const PROPAGATIONS = ['private', 'shared', 'slave', 'unbindable'].flatMap((kind) => [
  kind,
  `r${kind}`,
]);
const mapping = z.object({ containerID: id, hostID: id, size: id });

const offset = z.object({ secs: z.int().optional(), nanosecs: id.optional() });

const linux = z.object({
  namespaces: z
    .array(
      z.object({
        type: z.enum(['pid', 'network', 'mount', 'ipc', 'uts', 'user', 'cgroup', 'time']),
        path: absolute.optional(),
      }),
    )
    .refine(
      (all) => new Set(all.map(({ type }) => type)).size === all.length,
      'a kind of namespace is there twice',
    )
    .optional(),
  timeOffsets: z.partialRecord(z.enum(['monotonic', 'boottime']), offset).optional(),
  personality: z
    .object({ domain: z.enum(['LINUX', 'LINUX32']), flags: z.array(z.string()).max(0).optional() })
    .optional(),
  ...{ intelRdt: unsupported, netDevices: unsupported, memoryPolicy: unsupported },
  uidMappings: z.array(mapping).optional(),
  gidMappings: z.array(mapping).optional(),
  devices: z
    .array(
      z.object({
        type: z.enum(['c', 'u', 'b', 'p']),
        path: absolute,
        major: z.int().optional(),
        minor: z.int().optional(),
        fileMode: z.int().optional(),
        uid: id.optional(),
        gid: id.optional(),
      }),
    )
    .optional(),
  cgroupsPath: z.string().optional(),
  resources: resources.nullish().transform((given) => given ?? undefined),
  rootfsPropagation: z.enum(['', ...PROPAGATIONS]).optional(),
  seccomp: z.looseObject({ defaultAction: z.string() }).optional(),
  sysctl: z.record(z.string(), z.string()).optional(),
  maskedPaths: z.array(absolute).optional(),
  readonlyPaths: z.array(absolute).optional(),
  mountLabel: z.string().optional(),
});

const spec = z.object({
  ociVersion: z.string().regex(/^1\.\d+\.\d+/, 'must be a version 1.x'),
  process: process.optional(),
  root: z.object({ path: z.string().min(1), readonly: z.boolean().optional() }).optional(),
  hostname: z.string().optional(),
  domainname: z.string().optional(),
  mounts: z
    .array(
      z.object({
        destination: z.string(),
        source: z.string().optional(),
        type: z.string().optional(),
        options: z.array(z.string().refine(isNoIdMapping, NOT_SUPPORTED)).optional(),
        ...{ uidMappings: unsupported, gidMappings: unsupported },
      }),
    )
    .optional(),
  hooks: z
    .object({
      prestart: hooks,
      createRuntime: hooks,
      createContainer: hooks,
      startContainer: hooks,
      poststart: hooks,
      poststop: hooks,
    })
    .optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  linux: linux.optional(),
});

/** @throws {ClocheError} `SPEC_INVALID`: names the place in the JSON */
export function parseSpec(text: string, file: string): Spec {
  return parse(spec, text, file);
}

/** A process alone, for `exec --process`. @throws {ClocheError} as `parseSpec` */
export function parseProcess(text: string, file: string): Process {
  return parse(process, text, file);
}

function parse<T>(shape: z.ZodType<T>, text: string, file: string): T {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw invalid(`'${file}' is no JSON: ${(cause as Error).message}`);
  }
  const parsed = shape.safeParse(json);
  if (parsed.success) return parsed.data;
  const [first] = parsed.error.issues;
  const place = (first?.path ?? []).map(String).join('.') || 'the top';
  throw invalid(`'${file}' is invalid at ${place}: ${first?.message}`);
}

function invalid(message: string): ClocheError {
  return new ClocheError('SPEC_INVALID', message, {
    class: 'invalid-argument',
    hint: 'the OCI runtime specification, config.md, says what belongs there; cloche oci spec writes one that works',
  });
}
