// A service behind a server of jayson.
//
//     node server.js TRANSPORT [old]
'use strict';

const jayson = require('jayson');
const { ready } = require('checks');

const invalidParams = { code: -32602, message: 'add takes two numbers' };
let noted = 0;

// It looks at no params itself: methods get what came, by position or by name.
const server = new jayson.Server({
  add: (params, callback) => {
    const [a, b, ...more] = Array.isArray(params) ? params : [params.a, params.b];
    const fit = typeof a === 'number' && typeof b === 'number' && more.length === 0;
    return fit ? callback(null, a + b) : callback(invalidParams);
  },
  echo: ([value], callback) => callback(null, value),
  nothing: (_, callback) => callback(null),
  fail: (_, callback) => callback({ code: 17, message: 'it failed', data: ['why', 4711] }),
  later: ([value, milliseconds], callback) => setTimeout(() => callback(null, value), milliseconds),
  note: ([n], callback) => callback(null, (noted += n)),
  noted: (_, callback) => callback(null, noted),
}, { version: process.argv.includes('old') ? 1 : 2 });

const [host, port] = ['127.0.0.1', 0];
const transport = process.argv[2];
if (transport === 'ws') {
  const socket = server.websocket({ host, port });
  socket.on('listening', () => ready(socket));
} else {
  const listener = server[transport]();
  listener.listen(port, host, () => ready(listener));
}
