/** What happens in a build, as data; `step` numbers the steps in the order in which they began. */
export type BuildEvent =
  | { readonly kind: 'begin'; readonly step: number; readonly name: string }
  /** A line of a RUN's output, or of what cloche says; seconds since the step began. */
  | {
      readonly kind: 'output';
      readonly step: number;
      readonly seconds: number | undefined;
      readonly line: string;
    }
  | { readonly kind: 'cached'; readonly step: number }
  | { readonly kind: 'done'; readonly step: number; readonly seconds: number }
  | { readonly kind: 'failed'; readonly step: number; readonly message: string };

export type OnEvent = (event: BuildEvent) => void;

/** The steps of one build, told as events. */
export interface Progress {
  begin(name: string): StepProgress;
}

export interface StepProgress {
  /** Says a line of a command's output, with its time. */
  output(line: string): void;
  /** Says something about the step itself. */
  note(line: string): void;
  cached(): void;
  done(): void;
  failed(message: string): void;
}

export function progress(onEvent: OnEvent, now: () => number = performance.now): Progress {
  let steps = 0;
  return {
    begin(name) {
      const step = ++steps;
      const began = now();
      const seconds = () => (now() - began) / 1000;
      onEvent({ kind: 'begin', step, name });
      return {
        output: (line) => onEvent({ kind: 'output', step, seconds: seconds(), line }),
        note: (line) => onEvent({ kind: 'output', step, seconds: undefined, line }),
        cached: () => onEvent({ kind: 'cached', step }),
        done: () => onEvent({ kind: 'done', step, seconds: seconds() }),
        failed: (message) => onEvent({ kind: 'failed', step, message }),
      };
    },
  };
}

/**
 * Events as BuildKit's plain progress: `#5 [2/4] RUN make`, `#5 0.123 cc -o a`, `#5 DONE 0.3s`,
 * an empty line after each step, and the step's name again where the output changes to it.
 *
 * @param write gets whole lines without their newline.
 */
export function plainPrinter(write: (line: string) => void): OnEvent {
  const names = new Map<number, string>();
  let current: number | undefined;
  const turnTo = (step: number) => {
    if (current === step) return;
    if (current !== undefined) write('');
    write(`#${step} ${names.get(step) ?? ''}`);
    current = step;
  };
  return (event) => {
    const { kind, step } = event;
    if (kind === 'begin') names.set(step, event.name);
    turnTo(step);
    if (kind === 'begin') return;
    write(`#${step} ${lineOf(event)}`);
    if (kind === 'output') return;
    write('');
    current = undefined;
  };
}

function lineOf(event: Exclude<BuildEvent, { kind: 'begin' }>): string {
  switch (event.kind) {
    case 'output':
      return `${event.seconds === undefined ? '' : `${event.seconds.toFixed(3)} `}${event.line}`;
    case 'cached':
      return 'CACHED';
    case 'done':
      return `DONE ${event.seconds.toFixed(1)}s`;
    case 'failed':
      return `ERROR: ${event.message}`;
  }
}
