import assert from 'node:assert/strict';
import { test } from 'node:test';

import { RequestError } from '../../src/api/api';
import type { LogEvent } from '../../src/api/documents';
import { KEPT, LogModel } from '../../src/sidebar/log';

const said = (worker: string, text: string): LogEvent => ({ event: 'log', data: { worker_id: worker, text } });
const over = (state: string, error: string | null = null): LogEvent => ({ event: 'end', data: { state, error } });

async function followed(...events: (LogEvent | Error)[]): Promise<LogModel> {
  const model = new LogModel('a log', async function* () {
    for (const event of events) {
      if (event instanceof Error) {
        throw event;
      }
      yield await Promise.resolve(event);
    }
  });
  await model.follow();
  return model;
}

const LOGS: [sentence: string, events: (LogEvent | Error)[], text: string, phase: string, note: string][] = [
  ['the log of a job', [said('', 'one\n'), said('', 'two'), over('COMPLETED')], 'one\ntwo', 'over', 'completed'],
  ['a job that failed', [over('TIMED_OUT', 'too long')], '', 'over', 'timed_out: too long'],
  [
    'two workers that speak in turn',
    [said('a', 'x'), said('a', 'y'), said('b', 'z\n'), over('deleted')],
    '── worker a ──\nxy\n── worker b ──\nz\n',
    'over',
    'deleted'
  ],
  ['a connection that is cut', [said('', 'x')], 'x', 'failed', 'the connection ended'],
  ['a connection that breaks', [said('', 'x'), new TypeError('network')], 'x', 'failed', 'the connection ended'],
  [
    'a server that refuses',
    [new RequestError('error', 'there is no job', 'see the list')],
    '',
    'failed',
    'there is no job; see the list'
  ],
  [
    'an error in the stream',
    [{ event: 'error', data: { type: 'E', message: 'Runpod is silent', fix: '', status: 502 } }],
    '',
    'failed',
    'Runpod is silent'
  ]
];

for (const [sentence, events, text, phase, note] of LOGS) {
  test(sentence, async () => {
    const model = await followed(...events);
    assert.deepEqual([model.text, model.phase, model.note], [text, phase, note]);
  });
}

test('of a long log the end is kept', async () => {
  const model = await followed(said('', 'x'.repeat(KEPT)), said('', 'end'), over('COMPLETED'));
  assert.deepEqual([model.text.length, model.text.slice(-4)], [KEPT, 'xend']);
});

test('following again begins anew', async () => {
  const model = await followed(said('a', 'x'));
  await model.follow();
  assert.equal(model.text, '── worker a ──\nx');
});
