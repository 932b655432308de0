import { type BuildEvent, type OnEvent, plainPrinter } from '../../build/index.ts';
import { isForPeople, isTerminal, print, standard } from '../print.ts';
import { rawPrinter } from './raw.ts';
import { buildView } from './view.ts';

/** Shows a build's events as they come. */
export interface BuildPrinter {
  readonly onEvent: OnEvent;
  /** While `action` has the terminal nothing is shown; what happens meanwhile is shown after it. */
  aside<T>(action: () => Promise<T>): Promise<T>;
  /** Once nothing comes any more. */
  end(): void;
}

/** @param kind of `--progress`: `auto`, `plain`, `tty`, `json`, `rawjson`, `quiet` */
export function buildPrinter(kind: string): BuildPrinter {
  if (kind === 'quiet') return holding({ onEvent: () => undefined });
  if (kind === 'json') return holding({ onEvent: (event) => print(`${JSON.stringify(event)}\n`) });
  if (kind === 'rawjson') return holding({ onEvent: rawPrinter((line) => print(`${line}\n`, 2)) });
  if (kind === 'tty' || (kind === 'auto' && isTerminal(2))) return holding(drawn());
  return holding({ onEvent: plainPrinter((line) => print(`${line}\n`, 2)) });
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

function drawn(): Shown {
  const stderr = standard(2);
  const view = buildView({
    write: (text) => stderr.write(text),
    columns: () => stderr.columns || 80,
    rows: () => stderr.rows || 24,
    hasColours: isForPeople(2),
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
