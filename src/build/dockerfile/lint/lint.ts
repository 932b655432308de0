import type { ImageConfig } from '../../../image/index.ts';
import { parse } from '../parse.ts';
import type { Source } from '../source.ts';
import { split } from '../split.ts';
import { instructions } from './instructions.ts';
import type { Finding, Subject } from './rule.ts';
import { stages } from './stages.ts';
import { descriptions, style } from './style.ts';
import { variables } from './variables.ts';

export interface LintOptions {
  /** Whether `.dockerignore` hides a file of the context. */
  readonly ignores?: ((path: string) => boolean) | undefined;
  /** The configs of base images: without one its variables are taken to be there. */
  readonly images?: ReadonlyMap<string, ImageConfig> | undefined;
  /** `BUILDKIT_DOCKERFILE_CHECK`; else the Dockerfile's own `# check=` holds. */
  readonly check?: string | undefined;
}

export interface Report {
  /** In the order of the file. */
  readonly findings: readonly Finding[];
  /** `# check=error=true`: a build with findings is to fail. */
  readonly isError: boolean;
}

/**
 * BuildKit's build checks, of a Dockerfile that can be read. Pure.
 *
 * @throws {ClocheError} `DOCKERFILE_INVALID`
 * @see https://docs.docker.com/reference/build-checks/
 */
export function lint(source: Source, options: LintOptions = {}): Report {
  const { statements, directives } = split(source);
  const subject: Subject = {
    ...{ dockerfile: parse(source), statements },
    ignores: options.ignores ?? (() => false),
    images: options.images ?? new Map(),
  };
  const wanted = wantedBy(options.check ?? directives.check ?? '');
  const checks = [style, stages, instructions, variables, descriptions];
  const findings = checks
    .flatMap((check) => [...check(subject)])
    .filter(({ rule }) => wanted.includes(rule))
    .sort((a, b) => a.place.line - b.place.line);
  return { findings, isError: wanted.isError };
}

/** `skip=A,B;error=true;experimental=C`. */
function wantedBy(check: string) {
  const said = new Map(
    check.split(';').map((part) => {
      const [key = '', value = ''] = part.split('=', 2);
      return [key.trim().toLowerCase(), value.split(',').map((one) => one.trim().toLowerCase())];
    }),
  );
  const has = (key: string, rule: string) =>
    said.get(key)?.some((one) => one === 'all' || one === rule.toLowerCase()) === true;
  return {
    isError: said.get('error')?.[0] === 'true',
    includes: (rule: Finding['rule']) =>
      !has('skip', rule) && (rule !== 'InvalidDefinitionDescription' || has('experimental', rule)),
  };
}
