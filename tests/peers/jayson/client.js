// A client of jayson against a server.
//
//     node client.js TRANSPORT [old] PORT
'use strict';

const { once } = require('node:events');
const { promisify } = require('node:util');
const jayson = require('jayson');
const { check, equal, run, INTEGERS, TEXT, LENGTHS, NESTED } = require('checks');

// Speaks version 1.0 instead of 2.0.
const old = process.argv.includes('old');
const port = Number(process.argv.at(-1));
const [host, version] = ['127.0.0.1', old ? 1 : 2];
const transport = process.argv[2];
const client = {
  tcp: () => jayson.Client.tcp({ host, port, version }),
  http: () => jayson.Client.http({ host, port, version }),
  ws: () => jayson.Client.websocket({ url: `ws://${host}:${port}`, version }),
}[transport]();
const request = promisify(client.request.bind(client));

const call = async (method, params) => {
  const { error, result } = await request(method, params);
  if (error) throw Object.assign(new Error(error.message), error);
  return result;
};

const errorOf = async (method, params) => (await request(method, params)).error;

check('positional and named', async () => {
  // Ids are UUIDs.
  equal(await call('add', [2, 3]), 5);
  equal(await call('add', { b: 2 ** 40, a: -(2 ** 31) }), 2 ** 40 - 2 ** 31);
});

check('scalars', async () => {
  for (const value of [null, true, false, 1.5, 1e300, ...INTEGERS]) {
    equal(await call('echo', [value]), value);
  }
  // Absent params.
  equal(await call('nothing'), null);
});

check('texts', async () => {
  for (const length of LENGTHS) {
    equal(await call('echo', ['s'.repeat(length)]), 's'.repeat(length));
  }
  equal(await call('echo', [TEXT]), TEXT);
});

check('nested', async () => {
  for (const value of [NESTED, [], {}]) equal(await call('echo', [value]), value);
});

check('errors', async () => {
  equal(await errorOf('nosuch', [1]), { code: -32601, message: 'method not found: nosuch' });
  for (const params of [[1], [1, 2, 3], [1, 'two'], { a: 1 }, { a: 1, b: 2, c: 3 }]) {
    equal((await errorOf('add', params)).code, -32602);
  }
  equal(await errorOf('fail'), { code: 17, message: 'it failed', data: ['why', 4711] });
  equal(await call('add', [20, 22]), 42);
});

check('notifications', async () => {
  const before = await call('noted');
  // Over TCP each has a connection of its own, which ends behind it.
  for (let n = 1; n <= 20; n++) await request('note', [n], null);
  await request('nosuch', [1], null);
  let after = before;
  while (after - before < 210) after = await call('noted');
  equal(after - before, 210);
});

check('calls at once', async () => {
  const calls = Array.from({ length: 100 }, (_, n) => call('add', [n, n]));
  equal(await Promise.all(calls), Array.from({ length: 100 }, (_, n) => 2 * n));
});

check('batches', async () => {
  if (old) return;
  const requests = [
    client.request('add', [1, 2]),
    client.request('note', [5], null),
    client.request('fail', []),
    client.request('echo', [NESTED]),
    { no: 'request' },
  ];
  const answers = await request(requests);
  equal(answers.length, 4);
  const answerTo = (id) => answers.find((answer) => answer.id === id);
  equal(answerTo(requests[0].id).result, 3);
  equal(answerTo(requests[2].id).error.code, 17);
  equal(answerTo(requests[3].id).result, NESTED);
  equal(answerTo(null).error.code, -32600);
});

check('what is no request', async () => {
  for (const wrong of [{ id: 7, no: 'request' }, { jsonrpc: '2.0', id: 7, method: 5 }]) {
    const answer = await request(wrong);
    equal([answer.id, answer.error.code], [7, -32600]);
  }
});

check('a connection for each call', async () => {
  if (transport !== 'http') return;
  // Node keeps connections by default; this asks the server to close them.
  const other = jayson.Client.http({ host, port, version, agent: false });
  for (let n = 0; n < 20; n++) equal((await promisify(other.request.bind(other))('add', [n, 1])).result, n + 1);
});

check('what is no JSON', async () => {
  if (transport !== 'ws') return;
  const answered = once(client.ws, 'message');
  client.ws.send('{bad json}');
  const { id, error } = JSON.parse((await answered)[0]);
  equal([id, error.code], [null, -32700]);
  equal(await call('add', [20, 22]), 42);
});

const ready = transport === 'ws' ? once(client.ws, 'open') : Promise.resolve();
ready.then(() => run(client)).then(() => client.ws?.close());
