// vscode-jsonrpc on a socket against a server.
//
//     node client.js PORT
'use strict';

const net = require('node:net');
const rpc = require('vscode-jsonrpc/node');
const { check, equal, run, INTEGERS, TEXT, LENGTHS, NESTED } = require('checks');
const { speak } = require('./symmetric');

const socket = net.connect(Number(process.argv.at(-1)), '127.0.0.1');
const connection = speak(socket);
const call = (method, ...params) => connection.sendRequest(method, ...params);

const errorOf = async (answer) => {
  try {
    await answer;
  } catch (error) {
    equal(error instanceof rpc.ResponseError, true);
    return { code: error.code, message: error.message, data: error.data };
  }
  throw new Error('no error');
};

check('positional and named', async () => {
  // The first call of a connection has the id 0.
  equal(await call('add', 2, 3), 5);
  equal(await call('add', { b: 2 ** 40, a: -(2 ** 31) }), 2 ** 40 - 2 ** 31);
});

check('scalars', async () => {
  for (const value of [null, true, false, 1.5, 1e300, ...INTEGERS]) {
    equal(await call('echo', value), value);
  }
  // Absent params.
  equal(await call('nothing'), null);
});

check('texts', async () => {
  for (const length of LENGTHS) equal(await call('echo', 's'.repeat(length)), 's'.repeat(length));
  // A length counts bytes, not characters.
  equal(await call('echo', TEXT), TEXT);
});

check('nested', async () => {
  for (const value of [NESTED, [], {}]) {
    equal(await call('echo', rpc.ParameterStructures.byPosition, value), value);
  }
});

check('errors', async () => {
  const unknown = { code: -32601, message: 'method not found: nosuch', data: undefined };
  equal(await errorOf(call('nosuch', 1)), unknown);
  for (const params of [[1], [1, 2, 3], [1, 'two'], [{ a: 1 }], [{ a: 1, b: 2, c: 3 }]]) {
    equal((await errorOf(call('add', ...params))).code, -32602);
  }
  equal(await errorOf(call('fail')), { code: 17, message: 'it failed', data: ['why', 4711] });
  equal(await call('add', 20, 22), 42);
});

check('notifications', async () => {
  const before = await call('noted');
  for (let n = 1; n <= 100; n++) await connection.sendNotification('note', n);
  await connection.sendNotification('nosuch', 1);
  await connection.sendNotification('note');
  // What others say to language servers means nothing here.
  await connection.sendNotification('$/setTrace', { value: 'off' });
  equal((await call('noted')) - before, 5050);
});

check('calls at once', async () => {
  const calls = Array.from({ length: 500 }, (_, n) => call('add', n, n));
  equal(await Promise.all(calls), Array.from({ length: 500 }, (_, n) => 2 * n));
});

check('answers overtake each other', async () => {
  const order = [];
  const one = async (value) => order.push(await call('later', value, 20 * (8 - value)));
  await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(one));
  equal(order, [7, 6, 5, 4, 3, 2, 1, 0]);
});

check('a cancelled call is answered all the same', async () => {
  const source = new rpc.CancellationTokenSource();
  const late = call('later', 'late', 50, source.token);
  source.cancel();
  equal(await call('add', 20, 22), 42);
  equal(await late, 'late');
});

check('headers in other forms', async () => {
  const write = (head, body) => socket.write(`${head}\r\n\r\n${body}`);
  const body = '{"jsonrpc":"2.0","method":"note","params":[1000]}';
  const before = await call('noted');
  write(`Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: ${body.length}`, body);
  write(`content-length:${body.length}`, body);
  equal((await call('noted')) - before, 2000);
});

check('the server calls back', async () => {
  equal(await call('ask', 'add', [20, 22]), 42);
  equal(await errorOf(call('ask', 'fail', [])), { code: 17, message: 'it failed', data: ['why', 4711] });
  equal((await errorOf(call('ask', 'nosuch', []))).code, -32601);
  equal((await errorOf(call('ask', 'throw', []))).message.includes('it is thrown'), true);
  equal(await call('deeper', 12), 12);
  const calls = Array.from({ length: 100 }, (_, n) => call('ask', 'add', [n, n]));
  equal(await Promise.all(calls), Array.from({ length: 100 }, (_, n) => 2 * n));
});

check('the server notifies', async () => {
  for (let n = 1; n <= 100; n++) await call('tell', 'note', [n]);
  equal(await call('ask', 'noted', []), 5050);
});

run(connection).then(() => connection.end());
