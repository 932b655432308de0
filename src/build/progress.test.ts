import { expect, test } from 'bun:test';
import { plainPrinter, progress } from './progress.ts';

test('plain progress is BuildKit’s, also when steps talk at the same time', () => {
  const lines: string[] = [];
  let time = 0;
  const steps = progress(
    plainPrinter((line) => lines.push(line)),
    () => time,
  );
  steps.begin('[internal] load build definition from Dockerfile').done();
  const run = steps.begin('[2/3] RUN make');
  time = 123.4;
  run.output('cc -o a');
  const copy = steps.begin('[build 1/2] COPY a b');
  copy.cached();
  time = 1340;
  run.output('done');
  run.done();
  const bad = steps.begin('[3/3] RUN false');
  bad.note('note');
  bad.failed('exit code: 1');
  expect(lines.join('\n')).toBe(`#1 [internal] load build definition from Dockerfile
#1 DONE 0.0s

#2 [2/3] RUN make
#2 0.123 cc -o a

#3 [build 1/2] COPY a b
#3 CACHED

#2 [2/3] RUN make
#2 1.340 done
#2 DONE 1.3s

#4 [3/3] RUN false
#4 note
#4 ERROR: exit code: 1
`);
});
