import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Api } from '../../src/api/api';
import { Client } from '../../src/api/client';
import { endpoint } from '../sidebar/documents';

/** A client whose requests are noted, and answered with this. */
function clientOf(answer: () => Response | Promise<Response>): { client: Client; asked: string[] } {
  const asked: string[] = [];
  const api = new Api((path, init) => {
    asked.push(`${init.method ?? ''} ${path}`);
    return Promise.resolve(answer());
  });
  return { client: new Client(api), asked };
}

const json = (document: unknown, status = 200): Response => new Response(JSON.stringify(document), { status });
const strange = endpoint({ id: 'a b/c' });

const ANSWER = { deleted: ['x'], note: 'x comes back', removed: 2, jobs: [], text: 'over' };

const CALLS: [sentence: string, call: (client: Client) => Promise<unknown>, asked: string, result: unknown][] = [
  ['the listing', client => client.endpoints(), 'GET endpoints', ANSWER],
  ['the newest jobs', client => client.jobs(5), 'GET jobs?limit=5', []],
  ['an endpoint is deleted', client => client.undeploy(endpoint()), 'DELETE endpoints/runpod/e1', ANSWER],
  ['all are deleted', client => client.undeployAll('local'), 'DELETE endpoints?backend=local', ANSWER],
  ['a queue is purged', client => client.purge(strange), 'POST endpoints/runpod/a%20b%2Fc/purge', 2],
  ['a job is cancelled', async client => (await client.cancel('fj/1')).text, 'POST jobs/fj%2F1/cancel', 'over'],
  ['the embedded Runpod is started', client => client.startLocal(), 'POST local/start', undefined],
  ['the embedded Runpod is stopped', client => client.stopLocal(), 'POST local/stop', undefined]
];

for (const [sentence, call, request, result] of CALLS) {
  test(sentence, async () => {
    const { client, asked } = clientOf(() => json(ANSWER));
    assert.deepEqual(await call(client), result);
    assert.deepEqual(asked, [request]);
  });
}

test('a log is followed, however its bytes are cut', async () => {
  const text =
    ': still here\n\nevent: log\ndata: {"worker_id": "w", "text": "grün\\n"}\n\nevent: end\ndata: {"state": "deleted", "error": null}\n\n';
  const bytes = new TextEncoder().encode(text);
  const body = new ReadableStream<Uint8Array>({
    start: controller => {
      for (const byte of bytes) {
        controller.enqueue(Uint8Array.of(byte));
      }
      controller.close();
    }
  });
  const { client, asked } = clientOf(() => new Response(body));
  const events = [];
  for await (const event of client.endpointLog(endpoint(), new AbortController().signal)) {
    events.push(event);
  }
  assert.deepEqual(events, [
    { event: 'log', data: { worker_id: 'w', text: 'grün\n' } },
    { event: 'end', data: { state: 'deleted', error: null } }
  ]);
  assert.deepEqual(asked, ['GET endpoints/runpod/e1/logs']);
});
