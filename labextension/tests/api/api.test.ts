import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api, type ProblemKind, RequestError } from '../../src/api/api';

const apiOf = (answer: () => Response | Promise<Response>): Api => new Api(() => Promise.resolve(answer()));
const json = (document: unknown, status = 200): Response => new Response(JSON.stringify(document), { status });

test('a body is sent as JSON, and the answer read as such', async () => {
  const sent: [string, RequestInit][] = [];
  const api = new Api((path, init) => {
    sent.push([path, init]);
    return Promise.resolve(json({ problems: [] }));
  });
  assert.deepEqual(await api.ask('POST', 'cells/check', { source: 'x' }), { problems: [] });
  assert.deepEqual(sent, [['cells/check', { method: 'POST', body: '{"source":"x"}' }]]);
});

test('an answer without JSON', async () => {
  await assert.rejects(apiOf(() => new Response('<html>')).ask('GET', 'endpoints'), {
    kind: 'error',
    message: 'the Jupyter server answered without JSON'
  });
});

const told = { type: 'UnreachableError', message: 'Runpod is silent', fix: 'wait', status: 502 };
const FAULTS: [sentence: string, answer: () => Response, kind: ProblemKind, message: string, fix: string][] = [
  ['an error keeps its text', () => json(told, 502), 'error', 'Runpod is silent', 'wait'],
  [
    'a refused Runpod key is no refusal of Jupyter',
    () => json({ ...told, type: 'AuthenticationError', message: 'the key is refused' }, 403),
    'error',
    'the key is refused',
    'wait'
  ],
  [
    'a page that is logged out',
    () => json({ ...told, type: 'HTTPError' }, 403),
    'forbidden',
    'The Jupyter server does not let this page in',
    'log in again'
  ],
  [
    'a server without the extension',
    () => new Response('<html>', { status: 404 }),
    'missing',
    'This Jupyter server has no flash_jupyter',
    'install flash-jupyter in the environment of the Jupyter server, and start it again'
  ],
  [
    'a proxy that answers by itself',
    () => new Response('bad gateway', { status: 502 }),
    'error',
    'the Jupyter server answered 502',
    'look at the log of the Jupyter server'
  ]
];

for (const [sentence, answer, kind, message, fix] of FAULTS) {
  test(sentence, async () => {
    await assert.rejects(apiOf(answer).ask('GET', 'endpoints'), (error: RequestError) => {
      assert.deepEqual([error.kind, error.message, error.fix], [kind, message, fix]);
      return true;
    });
  });
}

test('a server that is not there', async () => {
  const api = apiOf(() => Promise.reject(new TypeError('failed to fetch')));
  await assert.rejects(api.ask('GET', 'endpoints'), (error: RequestError) => error.kind === 'offline');
});
