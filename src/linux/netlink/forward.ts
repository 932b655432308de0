import type { PlanMemory } from '../memory.ts';
import { perform } from '../perform.ts';
import { block, buffer, call, flags, plan, pointer, result, type Step } from '../plan/index.ts';
import type { IpAddress } from './address.ts';
import { counter, interfaceIs, VERDICTS, type Verdict, verdict } from './expressions.ts';
import { attributesIn, messagesIn } from './message.ts';
import { CHAIN, type Change, chainQuery, deleteRule, newRule, RULE } from './nftables.ts';
import { conversation } from './steps.ts';

/**
 * Somebody else's firewall: the chain FORWARD of the table `ip filter` (`ip6 filter`), which iptables makes. Docker
 * gives it the policy DROP. Every base chain at a hook has to let a packet through, so our own
 * table's accept does not help there: that chain needs rules for our bridge in itself. They are
 * written as iptables writes its own, so that it goes on understanding its table.
 */
export interface ForwardChain {
  readonly policy: Verdict;
  /** The rules in it that are ours. */
  readonly ours: readonly OurRule[];
}

export interface OurRule {
  /** The name of the bridge that it is for. */
  readonly bridge: string;
  /** The kernel's number of it. */
  readonly handle: Uint8Array;
}

/** What stands there, in our network namespace; undefined when there is no such chain. */
export async function readForwardChain(
  version: IpAddress['version'] = 4,
): Promise<ForwardChain | undefined> {
  const query = forwardQuery(version);
  return query.answer(await perform(plan('ask for the chain FORWARD', query.steps)));
}

/** The question as steps, and the answer in what they leave in the plan's memory. */
export function forwardQuery(version: IpAddress['version'] = 4): ForwardQuery {
  const chain = { answer: buffer('chain', ANSWER_SIZE), length: result('chain length') };
  const rules = Array.from({ length: READS }, (_, i) => ({
    answer: buffer(`rules ${i}`, ANSWER_SIZE),
    length: result(`rules ${i} length`),
  }));
  const send = (what: 'chain' | 'rules', socket: Step['args'][0]) => {
    const { bytes } = chainQuery(what, { table: TABLE, chain: CHAIN_NAME, version });
    const request = pointer(block(`get ${what}`, [bytes]));
    return call('sendto', [socket, request, bytes.length, 0, 0, 0], `ask for the ${what}`);
  };
  const read = (socket: Step['args'][0], { answer, length }: typeof chain) =>
    call(
      'recvfrom',
      [socket, pointer(answer), ANSWER_SIZE, flags('MSG_DONTWAIT'), 0, 0],
      'a part of the answer; it is there when sendto returns',
      { save: length, tolerate: ['EAGAIN'] },
    );
  return {
    steps: conversation('NETLINK_NETFILTER', (socket) => [
      send('chain', socket),
      read(socket, chain),
      send('rules', socket),
      ...rules.map((part) => read(socket, part)),
    ]),
    answer: (memory) => {
      const received = ({ answer, length }: typeof chain) =>
        memory.read(answer).subarray(0, Math.max(0, Number(memory.value(length))));
      return parseForward(received(chain), rules.map(received));
    },
  };
}

export interface ForwardQuery {
  readonly steps: Step[];
  readonly answer: (memory: PlanMemory) => ForwardChain | undefined;
}

/** Lets the bridge through a FORWARD whose policy is DROP; no changes where none are needed. */
export function acceptChanges(bridge: string, chain: ForwardChain | undefined): Change[] {
  if (chain?.policy !== 'drop' || chain.ours.some((rule) => rule.bridge === bridge)) return [];
  return (['out', 'in'] as const).map((direction) =>
    newRule(
      {
        table: TABLE,
        chain: CHAIN_NAME,
        expressions: [...interfaceIs(direction, bridge), counter(), verdict('accept')],
        comment: COMMENT + bridge,
      },
      'top',
    ),
  );
}

/** Takes the bridge's rules out again. */
export function retractChanges(bridge: string, chain: ForwardChain | undefined): Change[] {
  return (chain?.ours ?? [])
    .filter((rule) => rule.bridge === bridge)
    .map(({ handle }) => deleteRule(TABLE, CHAIN_NAME, handle));
}

/** From the answers to the two questions; an error in place of a chain says that there is none. */
function parseForward(chain: Uint8Array, rules: readonly Uint8Array[]): ForwardChain | undefined {
  const policy = messagesIn(chain)
    .map(({ content }) => attributesIn(content.subarray(NFGENMSG_SIZE)).get(CHAIN.POLICY))
    .find((found) => found !== undefined);
  if (policy === undefined) return undefined;
  return {
    policy: VERDICTS[policy.at(-1) ?? 1] ?? 'accept',
    ours: rules.flatMap(messagesIn).flatMap(({ content }) => {
      const attributes = attributesIn(content.subarray(NFGENMSG_SIZE));
      const comment = commentIn(attributes.get(RULE.USERDATA));
      const handle = attributes.get(RULE.HANDLE);
      if (handle === undefined || !comment?.startsWith(COMMENT)) return [];
      return [{ bridge: comment.slice(COMMENT.length), handle }];
    }),
  };
}

/** User data is a list of type, length, value, a byte each but the last; type 0 is the comment. */
function commentIn(data: Uint8Array = new Uint8Array()): string | undefined {
  for (let at = 0; at + 2 <= data.length; at += 2 + (data[at + 1] ?? 0)) {
    const value = data.subarray(at + 2, at + 2 + (data[at + 1] ?? 0));
    if (data[at] === 0) return new TextDecoder().decode(value).replace(/\0$/, '');
  }
  return undefined;
}

const TABLE = 'filter';
const CHAIN_NAME = 'FORWARD';
const COMMENT = 'cloche: ';
const NFGENMSG_SIZE = 4;
/** Bytes of one read; the kernel makes no part of a list longer than the reads before. */
const ANSWER_SIZE = 16 * 1024;
/** Reads of the rules: some hundred of them. Ours stand at the top. */
const READS = 4;
