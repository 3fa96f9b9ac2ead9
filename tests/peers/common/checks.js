// What the clients in JavaScript share: checks by name, and how they are told.
//
// A client prints `ok NAME` for each check and ends with 0, or `FAILED NAME: why` and ends with 1.
'use strict';

const { deepStrictEqual } = require('node:assert');

const checks = [];

/** Adds a check. */
exports.check = (name, run) => checks.push({ name, run });

exports.equal = deepStrictEqual;

/** Runs all checks. */
exports.run = async (client) => {
  for (const { name, run } of checks) {
    try {
      await run(client);
    } catch (error) {
      console.log(`FAILED ${name}: ${error}`);
      process.exit(1);
    }
    console.log(`ok ${name}`);
  }
};

/** Says where a server listens, and ends the process when its input ends. */
exports.ready = (server) => {
  console.log(`ready ${server.address().port}`);
  process.stdin.on('end', () => process.exit()).resume();
};

/** Numbers are doubles: no integer beyond 2^53 is exact. */
exports.INTEGERS = [0, 1, 127, 128, 2 ** 16, 2 ** 32, Number.MAX_SAFE_INTEGER, -1, -33, Number.MIN_SAFE_INTEGER];
exports.TEXT = 'grüße, 世界 😀 "\\\n\t\x7f'.repeat(20);
exports.LENGTHS = [0, 31, 32, 255, 256, 65535, 65536, 300000];
exports.NESTED = {
  list: [1, [2, [3, ['four', { five: 5.5 }]]], [], {}],
  ['k'.repeat(40)]: [null, true, false],
  map: { a: { b: { c: Array.from({ length: 200 }, (_, n) => n) } } },
};
