import assert from 'node:assert/strict';
import { test } from 'node:test';

import { words } from '../../src/sidebar/chart';
import { charged, dayBars } from '../../src/sidebar/days';
import {
  age,
  count,
  deletedText,
  duration,
  fileName,
  hourText,
  money,
  statusText,
  workersText,
  workersUp
} from '../../src/sidebar/format';
import { contentsPath } from '../../src/sidebar/paths';
import { readPreferences } from '../../src/sidebar/preferences';
import { bill, costs, endpoint, listing } from './documents';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const TEXTS: [shown: string, text: string][] = [
  [money(0), '$0.00'],
  [money(0.00003), '<$0.0001'],
  [money(0.0042), '$0.0042'],
  [money(0.694), '$0.69'],
  [money(12), '$12.00'],
  [deletedText({ deleted: ['a', 'b'] }), 'deleted: a, b'],
  [deletedText({ deleted: ['a'], note: 'a comes back' }), 'deleted: a. a comes back'],
  [deletedText({ deleted: [] }), 'nothing was there to delete'],
  [duration(0.25), '0.3 s'],
  [duration(59.9), '59 s'],
  [duration(60), '1 min'],
  [duration(3599), '59 min 59 s'],
  [duration(7260), '2 h 1 min'],
  [duration(90_000), '1 d 1 h'],
  [age('2026-11-22T11:59:30Z', NOW), 'just now'],
  [age('2026-11-22T12:00:30Z', NOW), 'just now'],
  [age('2026-11-22T11:01:00Z', NOW), '59 min ago'],
  [age('2026-11-22T02:00:00Z', NOW), '10 h ago'],
  [age('2026-11-19T12:00:00Z', NOW), '3 d ago'],
  [age('', NOW), ''],
  [count(1, 'worker'), '1 worker'],
  [count(0, 'worker'), '0 workers'],
  [fileName('/data/ann/my nb.ipynb'), 'my nb.ipynb'],
  [fileName('nb.ipynb'), 'nb.ipynb'],
  [words({ date: '2026-11-20', charged: 0, uncharged: 0 }), 'Nov 20: $0.00'],
  [
    words({ date: '2026-11-20', charged: 1, uncharged: 2 }),
    'Nov 20: $1.00, $2.00 at list price on the embedded Runpod, not charged'
  ]
];

for (const [index, [shown, text]] of TEXTS.entries()) {
  test(`text ${index}: ${text}`, () => {
    assert.equal(shown, text);
  });
}

test('workers that are up, or come up, are counted', () => {
  const counts = { idle: 1, initializing: 2, running: 3, throttled: 10, unhealthy: 10 };
  assert.equal(workersUp(listing(endpoint({ worker_counts: counts }), endpoint({ worker_counts: null }))), 6);
});

test('a Runpod that gives no answer is not said to cost nothing', () => {
  const error = { type: 'AuthenticationError', message: 'the key is refused', fix: '', status: 401 };
  const told = { ...listing(), backends: [{ name: 'runpod' as const, state: 'failed' as const, error }] };
  assert.deepEqual(
    [hourText(told), workersText(told), statusText(told)],
    ['an hour, Runpod cloud: no answer', 'no worker is seen', '0 workers, $0.00/h, Runpod cloud: no answer']
  );
  assert.deepEqual(
    [hourText(listing()), workersText(listing()), statusText(listing())],
    ['an hour', 'no worker is up', '0 workers, $0.00/h']
  );
  const strange = listing(endpoint({ usd_per_hour_now: null, worker_counts: null }));
  assert.equal(hourText(strange), 'an hour, and workers whose price is not known');
});

const PATHS: [sentence: string, notebook: string, root: string, path: string | null][] = [
  ['below the root', '/srv/work/a/nb.ipynb', '/srv/work', 'a/nb.ipynb'],
  ['below the whole disk', '/srv/nb.ipynb', '/', 'srv/nb.ipynb'],
  ['beside the root', '/srv/workshop/nb.ipynb', '/srv/work', null],
  ['below a root in the home', '/data/ann/work/nb.ipynb', '~/work', 'nb.ipynb'],
  ['below the home itself', '/data/ann/nb.ipynb', '~', null],
  ['elsewhere, with a part of the same name', '/data/big/old/work/nb.ipynb', '~/work', null],
  ['a path of the server already', 'a/nb.ipynb', '/srv', 'a/nb.ipynb'],
  ['not known', '', '/srv', null]
];

for (const [sentence, notebook, root, path] of PATHS) {
  test(`a notebook ${sentence}`, () => {
    assert.equal(contentsPath(notebook, root), path);
  });
}

test('bills of both Runpods are joined by the day', () => {
  assert.deepEqual(dayBars(costs(bill(false, 0, 2), bill(true, 1, 0.5, 3))), [
    { date: '2026-11-20', charged: 1, uncharged: 0 },
    { date: '2026-11-21', charged: 0.5, uncharged: 2 },
    { date: '2026-11-22', charged: 3, uncharged: 0 }
  ]);
});

test('what is charged is what Runpod billed', () => {
  assert.deepEqual(charged(costs(bill(false, 0, 2), bill(true, 1, 3))), { today: 3, days: 4 });
  assert.equal(charged(costs(bill(false, 5), null)), null);
});

test('settings are read in seconds', () => {
  const composite = { pollSeconds: 2, closedPollSeconds: 60, jobs: 7, costDays: 30, showStatus: false };
  assert.deepEqual(readPreferences({ composite }), {
    intervals: { open: 2000, closed: 60_000 },
    extent: { jobs: 7, costDays: 30 },
    showStatus: false
  });
});
