import { expect, test } from 'bun:test';
import { encode } from '../../linux/plan/encode.ts';
import { explain } from '../../linux/plan/explain.ts';
import type { Plan } from '../../linux/plan/index.ts';
import { birthOf, dockerSpec, mount, SOME_MACHINE } from '../testing.ts';
import type { Birth } from './birth.ts';
import { containerPlan } from './container.ts';

const FIXED = { machine: SOME_MACHINE, walkerSize: 1500 };
const overlay = {
  kind: 'overlay',
  lower: ['/layers/b', '/layers/a'],
  upper: '/c/upper',
  work: '/c/work',
  at: '/c/rootfs',
} as const;

function listing(plan: Plan): string {
  return explain(plan)
    .map(({ stage, call, then, why }) => {
      const more = then.length === 0 ? '' : `  [${then.join('; ')}]`;
      return `${stage} ${call}${more}  # ${why}`;
    })
    .join('\n');
}

function small(more: Partial<Birth> = {}): Birth {
  const spec = dockerSpec(
    { capabilities: { bounding: ['CAP_CHOWN'] } },
    { maskedPaths: ['/proc/kcore'], readonlyPaths: ['/proc/sys'] },
  );
  const mounts = [mount('/proc', 'proc', 'proc', 'nosuid,noexec,nodev')];
  return birthOf('small', overlay, { ...spec, mounts }, { ...FIXED, ...more });
}

test('containerPlan gives the small container, call by call', () => {
  expect(listing(containerPlan(small()).plan)).toMatchSnapshot();
});

test('containerPlan is pure: the same birth gives the same bytes', () => {
  const bytes = () => encode(containerPlan(small()).plan, 'x86_64').bytes;
  expect(bytes()).toEqual(bytes());
});

test('containerPlan can be encoded for both architectures', () => {
  const spec = dockerSpec({ terminal: true }, { sysctl: { 'net.ipv4.ip_forward': '1' } });
  const { plan } = containerPlan(birthOf('both', overlay, spec, FIXED));
  for (const arch of ['x86_64', 'aarch64'] as const)
    expect(encode(plan, arch).bytes.length).toBeGreaterThan(10_000);
});

test('every step of init ends at init-failed when it fails, and every one of the shim at shim-failed', () => {
  const { plan } = containerPlan(small());
  const wrong = plan.steps.filter(
    ({ stage, onFail, label, tolerate, call }) =>
      onFail !== `${stage}-failed` &&
      tolerate !== 'any' &&
      call !== 'exit_group' &&
      !String(label).endsWith('-failed') &&
      call !== 'value',
  );
  expect(wrong.map(({ why }) => why)).toEqual([]);
});

test('no path of the container is opened but by openat2 inside of its root', () => {
  const lines = explain(containerPlan(small()).plan);
  const init = lines.filter(({ stage }) => stage === 'init');
  const opens = init.filter(({ call }) => /^(open|openat)\(/.test(call)).map(({ call }) => call);
  expect(opens).toEqual(['openat(AT_FDCWD, "/c/rootfs", O_PATH|O_DIRECTORY|O_CLOEXEC, 0) = root']);
  for (const { call } of init.filter(({ call }) => call.startsWith('openat2(')))
    expect(call).toContain('RESOLVE_IN_ROOT');
});

test('what the machine cannot give becomes a warning', () => {
  const spec = dockerSpec({
    capabilities: { bounding: ['CAP_SYS_RESOURCE', 'CAP_KILL'] },
    rlimits: [{ type: 'RLIMIT_NOFILE', soft: 1024, hard: 4096 }],
  });
  const machine = {
    ...SOME_MACHINE,
    capabilities: ~(1n << 24n) & SOME_MACHINE.capabilities,
    hardLimits: Array.from({ length: 16 }, () => 2048n),
  };
  const { warnings } = containerPlan(birthOf('poor', overlay, spec, { ...FIXED, machine }));
  expect(warnings).toEqual([
    'RLIMIT_NOFILE is 2048 and not 4096: raising it needs CAP_SYS_RESOURCE',
    'CAP_SYS_RESOURCE is not ours to give, so the container lacks it',
  ]);
});

test('an unknown capability is left out with a warning', () => {
  const capabilities = { bounding: ['CAP_FLY', 'CAP_CHOWN'], effective: ['CAP_FLY'] };
  const { warnings, plan } = containerPlan(
    birthOf('fly', overlay, dockerSpec({ capabilities }), FIXED),
  );
  expect(warnings).toEqual(["no capability 'CAP_FLY' is known here, so the container lacks it"]);
  expect(listing(plan)).not.toContain('shall ever get CAP_CHOWN');
});

test('an unknown limit and a bind mount without a source are refused', () => {
  const attempt = (spec: Birth['spec']) => () =>
    containerPlan(birthOf('bad', overlay, spec, FIXED));
  const plain = dockerSpec({});
  expect(attempt(dockerSpec({ rlimits: [{ type: 'RLIMIT_FUN', soft: 1, hard: 1 }] }))).toThrow(
    'RLIMIT_FUN',
  );
  expect(attempt({ ...plain, mounts: [{ destination: '/x', options: ['bind'] }] })).toThrow(
    "the bind mount at '/x' has no source",
  );
});
