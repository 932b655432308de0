import type { Digest } from '../../image/index.ts';
import type { CopyOperation } from '../graph.ts';
import type { Step } from '../step.ts';
import { isRemote } from './git-url.ts';
import { glance } from './glance.ts';
import { type CopyInputs, contextOf } from './inputs.ts';
import { keepFacts, knownFacts } from './known.ts';
import type { ListedStep } from './listed.ts';
import { ownerIn } from './owner.ts';

/**
 * A COPY or an ADD, ready to be done: what it would copy is known, and so is the digest of it.
 *
 * @throws {ClocheError} `COPY_SOURCE_NOT_FOUND`, `LINK_LOOP`; as `fetchSource`
 */
export async function prepareCopy(op: CopyOperation, inputs: CopyInputs): Promise<Step> {
  const step = await preparedCopy(op, inputs);
  if (!op.link || op.chown === null) return step;
  // That the base calls him so is all that such a COPY has of it.
  return { ...step, facts: [step.facts, ownerIn(inputs, op.chown)] };
}

async function preparedCopy(op: CopyOperation, inputs: CopyInputs): Promise<Step> {
  const { store } = inputs;
  const source = op.from === 'context' ? glanceAt(op, inputs) : inputs.source;
  let step: Promise<ListedStep> | undefined;
  const list = () => (step ??= listed(op, inputs));
  if (source === undefined) return list();
  // What is known of files that are the same need not even be listed.
  const known = knownFacts(store, op, source);
  const facts = known ?? (await list()).facts;
  if (known === undefined) keepFacts(store, op, source, facts);
  return {
    facts,
    files: async () => (await list()).files(),
    perform: async (active) => (await list()).perform(active),
  };
}

/** Of what is there for this build alone, or takes more than a look, nothing is remembered. */
function glanceAt(op: CopyOperation, inputs: CopyInputs): Digest | undefined {
  const { tree, digests } = contextOf(op, inputs);
  const isPlain = !op.parents && !(op.add !== null && op.sources.some(isRemote));
  return isPlain && digests !== undefined ? glance(tree, op.sources) : undefined;
}

/** What lists and copies is loaded by the first step that nobody knows. */
async function listed(op: CopyOperation, inputs: CopyInputs): Promise<ListedStep> {
  return (await import('./listed.ts')).listed(op, inputs);
}
