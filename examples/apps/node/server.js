// A web application that needs nothing but Node.js itself.
'use strict';

const http = require('http');

const application = JSON.parse(process.env.VCAP_APPLICATION || '{}');

const server = http.createServer((request, response) => {
  console.log(`${request.method} ${request.url}`);
  const body = JSON.stringify({
    hello: 'from Node.js',
    application: application.application_name,
    instance: process.env.CF_INSTANCE_INDEX,
    path: request.url,
  });
  response.writeHead(200, { 'Content-Type': 'application/json' });
  response.end(`${body}\n`);
});

server.listen(process.env.PORT || 8080, '0.0.0.0', () => {
  console.log(`listening on port ${server.address().port}`);
});

process.on('SIGTERM', () => {
  console.error('told to end');
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
