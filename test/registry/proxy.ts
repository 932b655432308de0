import type { Socket } from 'bun';

/** A way to a registry that breaks: everything passes, until so many bytes have gone one way. */
export interface BreakingProxy {
  readonly address: string;
  /** How many connections it has cut. */
  readonly cuts: () => number;
  stop(): void;
}

interface Side {
  other: Socket<Side> | undefined;
  waiting: Buffer[];
  readonly counts: boolean;
}

/**
 * Listens on the loopback and passes bytes on to `target`. The first `times` connections over which
 * more than `after` bytes go in the direction `cut` are closed in the middle.
 */
export function breakingProxy(
  target: string,
  { cut, after, times }: { cut: 'up' | 'down'; after: number; times: number },
): BreakingProxy {
  let cuts = 0;
  const passed = new WeakMap<object, number>();
  const pass = (from: Socket<Side>, bytes: Buffer) => {
    const count = (passed.get(from) ?? 0) + bytes.length;
    passed.set(from, count);
    if (from.data.counts && count > after && cuts < times) {
      cuts++;
      from.data.other?.end();
      from.terminate();
      return;
    }
    send(from.data, Buffer.from(bytes));
  };
  const upstream = (client: Socket<Side>) => {
    const [hostname = '', port] = target.split(':');
    const data: Side = { other: client, waiting: [], counts: cut === 'down' };
    return Bun.connect<Side>({ hostname, port: Number(port), data, socket: handlers(pass) });
  };
  const listener = Bun.listen<Side>({
    hostname: '127.0.0.1',
    port: 0,
    socket: {
      ...handlers(pass),
      open: async (client) => {
        client.data = { other: undefined, waiting: [], counts: cut === 'up' };
        const server = await upstream(client);
        client.data.other = server;
        flush(client.data);
      },
    },
  });
  return {
    address: `127.0.0.1:${listener.port}`,
    cuts: () => cuts,
    stop: () => listener.stop(true),
  };
}

function handlers(pass: (from: Socket<Side>, bytes: Buffer) => void) {
  return {
    data: pass,
    drain: (socket: Socket<Side>) => {
      const { other } = socket.data;
      if (other !== undefined) flush(other.data);
    },
    close: hangUp,
    error: hangUp,
  };
}

function hangUp({ data }: Socket<Side>): void {
  data?.other?.end();
}

function send(side: Side, bytes: Buffer): void {
  side.waiting.push(bytes);
  flush(side);
}

function flush({ other, waiting }: Side): void {
  while (other !== undefined && waiting.length > 0) {
    const [first = Buffer.alloc(0)] = waiting;
    const written = Math.max(0, other.write(first));
    if (written < first.length) {
      waiting[0] = first.subarray(written);
      return;
    }
    waiting.shift();
  }
}
