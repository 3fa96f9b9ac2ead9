// A reverse proxy in front of a service. Few connections are kept, so that one carries the requests
// of many.
//
//     node proxy.js PORT
'use strict';

const http = require('http');
const httpProxy = require('http-proxy');
const { ready } = require('checks');

const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${process.argv[2]}`,
  agent: new http.Agent({ keepAlive: true, maxSockets: 2 }),
});
proxy.on('error', (_error, _request, out) => {
  if (out.writeHead && !out.headersSent) out.writeHead(502);
  out.end();
});

const server = http.createServer((request, response) => proxy.web(request, response));
server.on('upgrade', (request, socket, head) => proxy.ws(request, socket, head));
server.listen(0, '127.0.0.1', () => ready(server));
