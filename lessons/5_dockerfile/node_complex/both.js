'use strict';
const http = require('node:http');
const https = require('node:https');
const net = require('node:net');
const { generate } = require('selfsigned');

/** The first byte of a TLS connection: a handshake record (RFC 8446, 5.1). No HTTP request begins so. */
const HANDSHAKE = 0x16;

/**
 * A listener that speaks http and https on one port. Its certificate is made now, when the container
 * starts: a key that lay in the image would be everybody's who has the image.
 */
async function listenForBoth() {
  const listener = http.createServer();
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }],
  });
  const secure = https.createServer({ key, cert }, (request, response) =>
    listener.emit('request', request, response),
  );

  const door = net.createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', (first) => {
      socket.pause();
      socket.unshift(first);
      const server = first[0] === HANDSHAKE ? secure : listener;
      server.emit('connection', socket);
      process.nextTick(() => socket.resume());
    });
  });
  return { listener, listen: (...where) => door.listen(...where) };
}

module.exports = { listenForBoth };
