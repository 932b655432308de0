import { type BuildEvent, type OnEvent, plainPrinter } from '../../build/index.ts';
import { isForPeople } from '../output.ts';
import { buildView } from './view.ts';

/** Shows a build's events as they come. */
export interface BuildPrinter {
  readonly onEvent: OnEvent;
  /** While `action` has the terminal nothing is shown; what happens meanwhile is shown after it. */
  aside<T>(action: () => Promise<T>): Promise<T>;
  /** Once nothing comes any more. */
  end(): void;
}

/** @param kind of `--progress`: `auto`, `plain`, `tty`, `json`, `quiet` */
export function buildPrinter(kind: string): BuildPrinter {
  if (kind === 'quiet') return holding({ onEvent: () => undefined });
  if (kind === 'json')
    return holding({ onEvent: (event) => process.stdout.write(`${JSON.stringify(event)}\n`) });
  const { stderr } = process;
  if (kind === 'tty' || (kind === 'auto' && stderr.isTTY)) return holding(drawn(stderr));
  return holding({ onEvent: plainPrinter((line) => stderr.write(`${line}\n`)) });
}

interface Shown {
  readonly onEvent: OnEvent;
  /** Draws no more until `resume`. */
  readonly pause?: () => void;
  readonly resume?: () => void;
}

/** Keeps events back while somebody else writes to the screen. */
function holding({ onEvent, pause, resume }: Shown): BuildPrinter {
  let held: BuildEvent[] | undefined;
  return {
    onEvent: (event) => (held === undefined ? onEvent(event) : void held.push(event)),
    async aside(action) {
      pause?.();
      held = [];
      try {
        return await action();
      } finally {
        const missed = held;
        held = undefined;
        for (const event of missed) onEvent(event);
        resume?.();
      }
    },
    end: () => pause?.(),
  };
}

/** How often it is drawn, in milliseconds. */
const FRAME = 100;

function drawn(stderr: NodeJS.WriteStream): Shown {
  const view = buildView({
    write: (text) => stderr.write(text),
    columns: () => stderr.columns || 80,
    rows: () => stderr.rows || 24,
    hasColours: isForPeople(stderr),
    now: () => performance.now(),
  });
  let timer = setInterval(view.draw, FRAME);
  return {
    onEvent: view.onEvent,
    pause() {
      clearInterval(timer);
      view.end();
    },
    resume() {
      timer = setInterval(view.draw, FRAME);
    },
  };
}
