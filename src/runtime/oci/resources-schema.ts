import { z } from '../../zod.ts';

/**
 * The shape of `linux.resources`, field by field as `linux/cgroup/resources.ts` has it. What is not in
 * it is an error that names it: a limit that nobody enforces is worse than none. Engines that are written
 * in Go write null for what they do not set.
 */
const given = <T extends z.ZodType>(shape: T) => shape.nullish();

/** Go's 64 bits, of which JSON as JavaScript reads it keeps 53: huge ones are rounded, as "no limit" is. */
const whole = z
  .number()
  .refine(Number.isInteger, 'must be a whole number')
  .min(-(2 ** 63))
  .max(2 ** 64);
const natural = whole.min(0);
const number = given(whole);
const positive = given(natural);
const text = given(z.string());

const throttle = given(z.array(z.strictObject({ major: whole, minor: whole, rate: natural })));

const memory = z.strictObject({
  ...{ limit: number, reservation: number, swap: number, kernel: number, kernelTCP: number },
  swappiness: positive,
  disableOOMKiller: given(z.boolean()),
  // What the kernel has had no other way of for years.
  useHierarchy: given(z.literal(true)),
  checkBeforeUpdate: given(z.boolean()),
});

const cpu = z.strictObject({
  ...{ shares: positive, quota: number, period: positive, burst: positive },
  ...{ realtimeRuntime: number, realtimePeriod: positive, cpus: text, mems: text },
  idle: given(z.literal([0, 1])),
});

const blockIO = z.strictObject({
  ...{ weight: positive, leafWeight: positive },
  weightDevice: given(
    z.array(z.strictObject({ major: whole, minor: whole, weight: positive, leafWeight: positive })),
  ),
  ...{ throttleReadBpsDevice: throttle, throttleWriteBpsDevice: throttle },
  ...{ throttleReadIOPSDevice: throttle, throttleWriteIOPSDevice: throttle },
});

const network = z.strictObject({
  classID: positive,
  priorities: given(z.array(z.strictObject({ name: z.string(), priority: natural }))),
});

const device = z.strictObject({
  allow: z.boolean(),
  type: z.enum(['a', 'b', 'c', 'u']).optional(),
  ...{ major: whole.optional(), minor: whole.optional(), access: z.string().optional() },
});

export const resources = z.strictObject({
  devices: given(z.array(device)),
  ...{ memory: given(memory), cpu: given(cpu), blockIO: given(blockIO), network: given(network) },
  pids: given(z.strictObject({ limit: number })),
  hugepageLimits: given(z.array(z.strictObject({ pageSize: z.string(), limit: natural }))),
  rdma: given(z.record(z.string(), z.strictObject({ hcaHandles: positive, hcaObjects: positive }))),
  unified: given(z.record(z.string(), z.string())),
});
