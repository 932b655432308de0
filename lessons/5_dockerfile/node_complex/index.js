'use strict';
const { readFile } = require('node:fs/promises');
const os = require('node:os');
const Hapi = require('@hapi/hapi');
const { nanoid } = require('nanoid');
const { listenForBoth } = require('./both.js');

/** A web application as small as it gets: it says who and where it is. */
async function main() {
  const { listener, listen } = await listenForBoth();
  const server = Hapi.server({
    listener,
    autoListen: false,
    routes: { json: { suffix: '\n' } },
  });
  server.events.on('response', ({ method, path, response }) =>
    console.log(`${method.toUpperCase()} ${path} ${response.statusCode}`),
  );

  server.route({
    method: 'GET',
    path: '/',
    handler: async (request) => ({
      greeting: await greeting(),
      // Of the request, so that you see that each answer is a new one.
      id: nanoid(),
      protocol: request.raw.req.socket.encrypted ? 'https' : 'http',
      // Of the process: is it alone, and is it root?
      pid: process.pid,
      uid: process.getuid(),
      hostname: os.hostname(),
      node: process.version,
    }),
  });

  await server.start();
  // 0.0.0.0 and not localhost: localhost in a container is the container's own loopback, which no
  // published port leads to. '::' would be both, where there is IPv6.
  listen(3000, '0.0.0.0', () => console.log('listening on https://localhost:3000'));

  // The kernel protects a pid 1: a signal that it does not handle is not delivered at all, and
  // Ctrl-C would do nothing.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(0));
}

/** The file `greeting.txt` beside this one, which you write in the lesson. */
async function greeting() {
  const text = await readFile(`${__dirname}/greeting.txt`, 'utf8').catch(() => 'hello world');
  return text.trim();
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
