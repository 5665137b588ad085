import assert from 'node:assert/strict';
import { test } from 'node:test';

import { SidebarModel } from '../../src/sidebar/model';
import { Polling } from '../../src/sidebar/polling';
import { FakeServer } from './fakes';

const EXTENT = { jobs: 20, costDays: 14 };
const FAST = { open: 5, closed: 5 };
/** longer than any test */
const NEVER = { open: 10_000_000, closed: 10_000_000 };

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'it did not happen');
    await new Promise(resolve => setTimeout(resolve, 2));
  }
}

interface Setting {
  server: FakeServer;
  polling: Polling;
  page: { hidden: boolean };
}

async function whilePolling(times: typeof FAST, check: (setting: Setting) => Promise<void>): Promise<void> {
  const server = new FakeServer();
  const page = { hidden: false };
  const polling = new Polling(new SidebarModel(server.client, EXTENT), times, () => page.hidden);
  polling.start();
  try {
    await check({ server, polling, page });
  } finally {
    polling.dispose();
  }
}

test('it looks again and again', () => whilePolling(FAST, ({ server }) => until(() => server.asked.length > 3)));

test('with a closed sidebar only endpoints are asked for', () =>
  whilePolling(FAST, async ({ server }) => {
    await until(() => server.asked.length > 3);
    assert.deepEqual([...new Set(server.asked)], ['GET endpoints']);
  }));

test('an opened sidebar is filled at once', () =>
  whilePolling(NEVER, async ({ server, polling }) => {
    await until(() => server.asked.length === 1);
    polling.setOpen(true);
    await until(() => server.asked.includes('GET jobs?limit=20'));
  }));

test('nothing is asked while the page is hidden, and all is when it is seen again', () =>
  whilePolling(FAST, async ({ server, page }) => {
    await until(() => server.asked.length > 0);
    page.hidden = true;
    await new Promise(resolve => setTimeout(resolve, 20)); // a look that is under way
    const before = server.asked.length;
    await new Promise(resolve => setTimeout(resolve, 50));
    assert.equal(server.asked.length, before);
    page.hidden = false;
    await until(() => server.asked.length > before);
  }));

test('it goes on after errors', () =>
  whilePolling(FAST, async ({ server }) => {
    server.fail();
    await until(() => server.asked.length > 1);
    server.problem = null;
    const before = server.asked.length;
    await until(() => server.asked.length > before + 1);
  }));
