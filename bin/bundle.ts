import { renameSync } from 'node:fs';

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
    { name: 'no child_process', setup: withoutChildProcess },
    { name: 'prebuilt', setup: withPrebuilt },
  ],
});
if (!built.success) throw new AggregateError(built.logs, 'the command cannot be bundled');
renameSync(outfile, target);

/** Commander loads it for subcommands that are programs of their own; we have none. */
function withoutChildProcess(build: Bun.PluginBuilder): void {
  build.onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
    importer.includes('/commander/') ? { path: 'none', namespace: 'none' } : undefined,
  );
  build.onLoad({ filter: /.*/, namespace: 'none' }, () => ({
    contents: 'module.exports = {};',
    loader: 'js',
  }));
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
