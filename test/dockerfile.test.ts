// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is what is tested
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { $ } from 'bun';
import { BASE_TIMEOUT, freshBaseRoot } from './base.ts';

const CLOCHE = resolve(import.meta.dir, '../bin/cloche');
const DOCKERFILE = `# check=error=true
ARG SUITE=bookworm-x
FROM debian:\${SUITE%-*} AS parent
ONBUILD COPY --chown=7:8 --chmod=u=rw,go= onbuild /from-parent
WORKDIR /w

FROM parent
ADD files.tar.gz unpacked/
COPY --parents src/./lib/*.js /app/
COPY <<-one <<"two" /docs/
	$SUITE|\${HOME:-none}
	one
$SUITE
two
RUN <<-'SCRIPT'
	#!/usr/bin/perl
	open(my $file, '>', '/made-by-perl'); print $file "$0\\n";
	SCRIPT
RUN cat > joined <<A && cat >> joined <<B
from a
A
from b
B
CMD ["sh", "-c", "cat /made-by-perl joined unpacked/f /app/lib/a.js /docs/one /docs/two; stat -c '%u:%g %a' /from-parent; ls /dev/pipes"]
`;

let root: string;
let remove: () => void;

beforeAll(async () => {
  ({ root, remove } = await freshBaseRoot());
}, BASE_TIMEOUT);
afterAll(() => remove());

test('a Dockerfile of everything becomes an image that is what it says', async () => {
  const context = join(root, 'context');
  mkdirSync(join(context, 'src/lib'), { recursive: true });
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE.replaceAll('\n', '\r\n'));
  writeFileSync(join(context, 'src/lib/a.js'), 'a.js\n');
  writeFileSync(join(context, 'onbuild'), '');
  writeFileSync(join(context, 'f'), 'unpacked\n');
  await $`tar -C ${context} -czf ${context}/files.tar.gz f`.quiet();
  const built = await $`${CLOCHE} build -t all ${context}`.quiet().nothrow();
  expect(built.stderr.toString()).not.toContain('ERROR');
  expect(built.exitCode).toBe(0);
  const ran = await $`${CLOCHE} run --rm --network none all`.quiet().nothrow();
  expect(ran.stdout.toString()).toBe(
    '/dev/pipes/SCRIPT\nfrom a\nfrom b\nunpacked\na.js\n|none\n$SUITE\n7:8 600\n',
  );
  expect(ran.stderr.toString()).toContain('/dev/pipes');
}, 60_000);
