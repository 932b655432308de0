import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { forLargePages } from './large-pages.ts';

/**
 * Makes `.cache/bundle/cloche`: the command as one executable of compiled code. It starts in half the
 * time that Bun takes with the sources, since of them it reads only what a command needs.
 */
const target = '.cache/bundle/cloche';
// Beside it first: somebody may be running the old one, or make the same just now.
const outfile = `${target}.${process.pid}`;
const built = await Bun.build({
  entrypoints: ['src/cli/main.ts'],
  target: 'bun',
  format: 'esm',
  minify: { whitespace: true, syntax: true },
  bytecode: true,
  splitting: true,
  compile: { outfile, autoloadDotenv: false, autoloadBunfig: false },
  plugins: [
    { name: 'plain commander', setup: withPlainCommander },
    { name: 'prebuilt', setup: withPrebuilt },
  ],
});
if (!built.success) throw new AggregateError(built.logs, 'the command cannot be bundled');
const laid = `${outfile}.laid`;
writeFileSync(laid, forLargePages(readFileSync(outfile)), { mode: 0o755 });
rmSync(outfile);
renameSync(laid, target);

/**
 * Commander as ES modules. As it comes, in CommonJS, each command would begin with a search for `require`, and
 * load `node:child_process`, which commander has for subcommands that are programs of their own: a sixth of
 * the time that `cloche version` takes.
 */
function withPlainCommander(build: Bun.PluginBuilder): void {
  build.onLoad({ filter: /\/commander\/esm\.mjs$/ }, () => ({
    contents: ['command', 'error', 'help', 'option'].map((name) => `export * from './lib/${name}.js';`).join(''),
    loader: 'js',
  }));
  build.onLoad({ filter: /\/commander\/lib\/\w+\.js$/ }, async ({ path }) => {
    const contents = (await Bun.file(path).text())
      .replace("require('node:child_process')", 'undefined')
      .replace(/^const (\w+) = require\((.*)\)\.(\w+);$/gm, 'import { $3 as $1 } from $2;')
      .replace(/^const (.*) = require\('(\.\/\w+)(?:\.js)?'\);$/gm, "import $1 from '$2.js';")
      .replace(/^const (\w+) = require\((.*)\);$/gm, 'import $1 from $2;')
      .replace(/^exports\.(\w+) = \1;/gm, 'export { $1 };');
    if (/\brequire\(|\bexports\./.test(contents))
      throw new Error(`${path} is written in another way than bin/bundle.ts knows`);
    return { contents, loader: 'js' };
  });
}

/** What `prebuilt.ts` files compute, all of it bytes, is computed now. */
function withPrebuilt(build: Bun.PluginBuilder): void {
  build.onLoad({ filter: /\/src\/.*\/prebuilt\.ts$/ }, async ({ path }) => {
    const exported: Record<string, Uint8Array> = await import(path);
    const lines = Object.entries(exported).map(([name, bytes]) => {
      const text = Buffer.from(bytes).toString('base64');
      return `export const ${name} = Uint8Array.fromBase64('${text}');`;
    });
    return { contents: lines.join('\n'), loader: 'js' };
  });
}
