// One side of a connection of vscode-jsonrpc: it serves the methods that all peers are tried with,
// and calls those of its peer. Both sides are the same.
'use strict';

const rpc = require('vscode-jsonrpc/node');

/** Speaks on a socket. */
exports.speak = (socket) => {
  // It writes head and body apart, which Nagle's algorithm would make 40 ms for each call.
  socket.setNoDelay(true);
  const connection = rpc.createMessageConnection(
    new rpc.StreamMessageReader(socket),
    new rpc.StreamMessageWriter(socket),
  );
  let noted = 0;
  connection.onRequest('add', (...params) => {
    // Behind them is a token, by which their peer would cancel the call.
    params.pop();
    const [{ a, b }] = params.length === 1 ? params : [{ a: params[0], b: params[1] }];
    if (params.length > 2 || typeof a !== 'number' || typeof b !== 'number') {
      return new rpc.ResponseError(rpc.ErrorCodes.InvalidParams, 'add takes two numbers');
    }
    return a + b;
  });
  connection.onRequest('echo', (value) => value);
  connection.onRequest('nothing', () => null);
  connection.onRequest('fail', () => new rpc.ResponseError(17, 'it failed', ['why', 4711]));
  connection.onRequest('throw', () => {
    throw new Error('it is thrown');
  });
  connection.onRequest('later', (value, milliseconds) => {
    return new Promise((resolve) => setTimeout(resolve, milliseconds, value));
  });
  connection.onNotification('note', (n) => {
    noted += n;
  });
  connection.onRequest('noted', () => noted);
  connection.onRequest('ask', (method, params) => connection.sendRequest(method, ...params));
  connection.onRequest('tell', (method, params) => connection.sendNotification(method, ...params));
  connection.onRequest('deeper', async (n) => {
    return n === 0 ? 0 : 1 + (await connection.sendRequest('deeper', n - 1));
  });
  connection.onError(() => {});
  connection.listen();
  return connection;
};
