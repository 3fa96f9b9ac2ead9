// A service behind vscode-jsonrpc on a socket.
'use strict';

const net = require('node:net');
const { ready } = require('checks');
const { speak } = require('./symmetric');

const server = net.createServer(speak);
server.listen(0, '127.0.0.1', () => ready(server));
