import { HOST_ARCH } from '../../linux/abi/arch.ts';
import { cgroupSteps } from '../../linux/cgroup/index.ts';
import { encode } from '../../linux/plan/encode.ts';
import type { EncodedPlan } from '../../linux/plan/index.ts';
import { type ContainerPlan, containerPlan } from '../../runtime/index.ts';
import { CGROUP_PARENT } from '../engine.ts';
import { cableSteps } from '../network/cable.ts';
import type { Facts } from './facts.ts';
import { seccompOf } from './seccomp.ts';

/** The plan of a container of which everything is known. Pure. @throws {ClocheError} as `containerPlan` */
export function planOf(facts: Facts): ContainerPlan {
  const { id, spec, root, hierarchies, machine, walkerSize, io, bound, exitRecord, init } = facts;
  const group = `${CGROUP_PARENT}/${id}`;
  return containerPlan({
    ...{ spec, root, machine, walkerSize, io, bound, exitRecord, init },
    id: id.slice(0, 12),
    sourceKind: (source) => facts.kinds[source] ?? 'directory',
    cgroup: cgroupSteps(hierarchies, group, spec.linux?.resources ?? {}),
    network: cableSteps(facts.attachment),
    seccomp: seccompOf(facts.unfiltered, spec.process?.capabilities?.bounding ?? []),
  });
}

/** As `planOf`, and as the walker takes it. */
export function encodedPlanOf(facts: Facts): ContainerPlan & { readonly encoded: EncodedPlan } {
  const planned = planOf(facts);
  return { ...planned, encoded: encode(planned.plan, HOST_ARCH) };
}
