import { expect, test } from 'bun:test';
import {
  CAPABILITIES,
  DEFAULT_CAPABILITIES,
  dropBoundingSteps,
  lastCapability,
  maskOf,
  namesOf,
  onlyAvailable,
  ownCapabilities,
  setCapabilitySteps,
} from './capabilities.ts';
import { perform } from './perform.ts';
import { explain } from './plan/explain.ts';
import { buffer, call, flags, mode, plan, pointer, result, text } from './plan/index.ts';
import { parseStatus } from './proc/index.ts';

test('the numbers are those of the kernel', () => {
  expect(CAPABILITIES).toHaveLength(41);
  expect(CAPABILITIES.indexOf('CAP_SYS_ADMIN')).toBe(21);
  expect(CAPABILITIES.indexOf('CAP_CHECKPOINT_RESTORE')).toBe(40);
  // Docker's set as `grep CapEff /proc/self/status` shows it in a container of its own.
  expect(maskOf(DEFAULT_CAPABILITIES)).toBe(0xa80425fbn);
});

test('maskOf and namesOf undo each other, bits without a name are left out', () => {
  expect(namesOf(maskOf(CAPABILITIES))).toEqual([...CAPABILITIES]);
  expect(namesOf((1n << 63n) | 1n)).toEqual(['CAP_CHOWN']);
  expect(() => maskOf(['CAP_COFFEE'])).toThrow("unknown capability 'CAP_COFFEE'");
});

test('onlyAvailable leaves out of every set what is not ours to give, with one warning', () => {
  const { sets, warnings } = onlyAvailable(
    { bounding: ['CAP_CHOWN', 'CAP_KILL'], effective: ['CAP_KILL'], permitted: ['CAP_CHOWN'] },
    maskOf(['CAP_CHOWN']),
  );
  expect(sets).toEqual({
    bounding: ['CAP_CHOWN'],
    effective: [],
    permitted: ['CAP_CHOWN'],
    inheritable: [],
    ambient: [],
  });
  expect(warnings).toEqual(['CAP_KILL is not ours to give, so the container lacks it']);
});

test('what is not permitted and inheritable cannot be ambient, and that is said', () => {
  const both = ['CAP_CHOWN', 'CAP_KILL'];
  const wanted = { permitted: both, inheritable: ['CAP_KILL'], ambient: both };
  const { sets, warnings } = onlyAvailable(wanted, maskOf(both));
  expect(sets.ambient).toEqual(['CAP_KILL']);
  expect(warnings).toEqual(['not inheritable, and so not ambient: CAP_CHOWN']);
});

test('dropBoundingSteps drops what is not kept, up to the last that the kernel knows', () => {
  const said = explain(plan('drop', dropBoundingSteps(['CAP_CHOWN', 'CAP_FOWNER'], 4)));
  expect(said.map(({ call }) => call)).toEqual([
    'prctl(PR_CAPBSET_DROP, 1, 0, 0, 0)',
    'prctl(PR_CAPBSET_DROP, 2, 0, 0, 0)',
    'prctl(PR_CAPBSET_DROP, 4, 0, 0, 0)',
  ]);
});

test('a process has the sets that it was given, says the kernel', async () => {
  const sets = {
    bounding: ['CAP_CHOWN', 'CAP_KILL', 'CAP_BPF'],
    permitted: ['CAP_CHOWN', 'CAP_KILL', 'CAP_BPF'],
    effective: ['CAP_CHOWN', 'CAP_BPF'],
    inheritable: ['CAP_KILL', 'CAP_BPF'],
    ambient: ['CAP_KILL'],
  };
  const [fd, length, status, refused] = [
    result('fd'),
    result('length'),
    buffer('status', 8192),
    result('refused'),
  ];
  const done = await perform(
    plan('some rights', [
      ...dropBoundingSteps(sets.bounding, lastCapability()),
      ...setCapabilitySteps(sets),
      call('openat', [flags('AT_FDCWD'), text('/proc/self/status'), flags('O_RDONLY')], 'look', {
        save: fd,
      }),
      call('read', [fd, pointer(status), 8192], 'at ourselves', { save: length }),
      call('mknodat', [flags('AT_FDCWD'), text('/dev/never'), mode(0o20600), 0x103], 'refused', {
        save: refused,
        tolerate: 'any',
      }),
    ]),
  );
  const read = done.read(status).subarray(0, Number(done.value(length)));
  expect(parseStatus(new TextDecoder().decode(read)).capabilities).toEqual({
    inheritable: maskOf(sets.inheritable),
    permitted: maskOf(sets.permitted),
    effective: maskOf(sets.effective),
    bounding: maskOf(sets.bounding),
    ambient: maskOf(sets.ambient),
  });
  expect(done.value(refused)).toBe(-1n);
});

test('what we say of ourselves is what capget(2) says', async () => {
  const [header, data] = [buffer('header', 8), buffer('data', 24)];
  const done = await perform(
    plan('ask', [
      call('value', [0x20080522], 'version 3, this process', {
        save: { kind: 'value', block: header, offset: 0, width: 'u64' },
      }),
      call('capget', [pointer(header), pointer(data)], 'what may we?'),
    ]),
  );
  const bytes = done.read(data);
  const view = new DataView(bytes.buffer, bytes.byteOffset, 24);
  const own = BigInt(view.getUint32(0, true)) | (BigInt(view.getUint32(12, true)) << 32n);
  expect(ownCapabilities()).toBe(own);
});
