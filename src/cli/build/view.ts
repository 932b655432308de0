import type { BuildEvent } from '../../build/index.ts';

/** A terminal, as far as progress needs to know it. */
export interface View {
  readonly write: (text: string) => void;
  readonly columns: () => number;
  readonly rows: () => number;
  /** Whether finished steps are blue and failed ones red. */
  readonly hasColours: boolean;
  /** Milliseconds. */
  readonly now: () => number;
}

interface Shown {
  readonly name: string;
  readonly began: number;
  readonly state: 'running' | 'done' | 'cached' | 'failed';
  /** Seconds, once it has ended. */
  readonly seconds?: number | undefined;
  /** The last lines of its output. */
  readonly lines: readonly string[];
  /** What is to be read when all is over, too. */
  readonly remark?: string | undefined;
}

/** So many of a running step's last lines are seen. */
const LINES = 6;

/**
 * Progress as BuildKit draws it at a terminal: a line for each step with its time, below running
 * ones the last lines of their output; drawn anew at each `draw`, in the same place.
 */
export function buildView(view: View) {
  const steps = new Map<number, Shown>();
  const started = view.now();
  let drawn = 0;
  const draw = (isLast = false) => {
    const width = Math.max(view.columns(), 20);
    const all = lines(steps, view.now(), started, width);
    // What is scrolled out of sight could not be drawn over.
    const kept = isLast ? all : fitted(all, Math.max(view.rows() - 2, 4));
    const up = drawn === 0 ? '' : `\x1b[${drawn}A`;
    const text = kept.map(({ line, colour }) => `\x1b[2K${painted(line, colour, view)}\n`);
    view.write(`${up}${text.join('')}\x1b[J`);
    drawn = kept.length;
  };
  return {
    onEvent: (event: BuildEvent) => void note(steps, event, view.now()),
    draw: () => draw(),
    /** The last time, with all steps; what is drawn after it stands below. */
    end() {
      draw(true);
      drawn = 0;
    },
  };
}

function note(steps: Map<number, Shown>, event: BuildEvent, now: number): void {
  if (event.kind === 'begin') {
    const { name } = event;
    return void steps.set(event.step, { name, began: now, state: 'running', lines: [] });
  }
  const step = steps.get(event.step);
  if (step === undefined) return;
  if (event.kind === 'output')
    return void steps.set(event.step, {
      ...step,
      lines: [...step.lines, event.line].slice(-LINES),
      remark: isStandIn(event) ? event.line : step.remark,
    });
  const seconds = (now - step.began) / 1000;
  steps.set(event.step, { ...step, state: event.kind, seconds, lines: [] });
}

interface Line {
  readonly line: string;
  /** A terminal's code for it. */
  readonly colour?: number | undefined;
  readonly isDone: boolean;
}

function lines(steps: Map<number, Shown>, now: number, started: number, width: number): Line[] {
  const all = [...steps.values()];
  const ended = all.filter(({ state }) => state !== 'running').length;
  const head = `[+] Building ${((now - started) / 1000).toFixed(1)}s (${ended}/${all.length})`;
  return [
    { line: head, isDone: false },
    ...all.flatMap((step) => [
      stepLine(step, now, width),
      ...step.lines.map((text) => below(`# ${plain(text)}`, 2, width)),
      ...(step.remark === undefined || step.state === 'running'
        ? []
        : broken(plain(step.remark), width - 7).map((text) => below(text, 33, width))),
    ]),
  ];
}

/** What is said of a base that is not the registry's: whoever builds on it must not overlook that. */
function isStandIn({ line, seconds }: Extract<BuildEvent, { kind: 'output' }>): boolean {
  // A command's output has a time, what cloche says has none.
  return seconds === undefined && /^made \S+ on this machine\b/.test(line);
}

/** At its comma, where it does not fit on one line. */
function broken(text: string, width: number): string[] {
  return text.length <= width ? [text] : text.split(/(?<=,) /);
}

function below(text: string, colour: number, width: number): Line {
  return { line: cut(` => => ${text}`, width), colour, isDone: false };
}

const COLOURS = { running: undefined, done: 34, cached: 34, failed: 31 } as const;
const WORDS = { running: '', done: '', cached: 'CACHED ', failed: 'ERROR ' } as const;

function stepLine({ name, began, state, seconds }: Shown, now: number, width: number): Line {
  const time = `${(seconds ?? (now - began) / 1000).toFixed(1)}s`;
  const room = width - time.length - 1;
  const title = cut(` => ${WORDS[state]}${plain(name)}`, room);
  return {
    line: `${title.padEnd(room)} ${time}`,
    colour: COLOURS[state],
    isDone: state === 'done' || state === 'cached',
  };
}

/** As many lines as there is room for: the oldest of the finished steps are left out first. */
function fitted(all: readonly Line[], rows: number): readonly Line[] {
  let tooMany = all.length - rows;
  if (tooMany <= 0) return all;
  const kept = all.filter(({ isDone }) => !(isDone && tooMany-- > 0));
  return kept.length <= rows ? kept : [...kept.slice(0, 1), ...kept.slice(1 - rows)];
}

/** What moves the cursor or colours is not for our lines. */
function plain(text: string): string {
  return Bun.stripANSI(text)
    .replace(/[\t\n]/g, ' ')
    .replace(/\p{Cc}/gu, '');
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, width - 1)}…`;
}

function painted(line: string, colour: number | undefined, { hasColours }: View): string {
  return hasColours && colour !== undefined ? `\x1b[${colour}m${line}\x1b[0m` : line;
}
