import assert from 'node:assert/strict';
import { test } from 'node:test';

import { COSTS_MS, SidebarModel } from '../../src/sidebar/model';
import { bill, costs, endpoint, job, listing } from './documents';
import { FakeServer } from './fakes';

const EXTENT = { jobs: 20, costDays: 14 };
const ALL = ['GET endpoints', 'GET jobs?limit=20', 'GET costs?days=14'];

function setUp(): { server: FakeServer; model: SidebarModel; clock: { now: number } } {
  const server = new FakeServer();
  server.listing = listing(endpoint());
  server.jobs = [job()];
  server.costs = costs(null, bill(true, 1, 2, 3));
  const clock = { now: 0 };
  return { server, model: new SidebarModel(server.client, EXTENT, () => clock.now), clock };
}

test('before the first answer there is nothing, and no problem', () => {
  const { state } = setUp().model;
  assert.deepEqual(state, { listing: null, jobs: null, costs: null, problem: null, busy: new Set() });
});

test('a look brings endpoints, jobs and costs, and tells once', async () => {
  const { server, model } = setUp();
  let told = 0;
  model.changed.connect(() => told++);
  await model.refresh();
  assert.deepEqual(server.asked, ALL);
  assert.equal(told, 1);
  assert.deepEqual([model.state.listing, model.state.jobs], [server.listing, server.jobs]);
  assert.deepEqual(model.state.costs, server.costs);
});

test('a look for the status bar asks for endpoints only, and keeps the rest', async () => {
  const { server, model } = setUp();
  await model.refresh();
  server.asked = [];
  await model.refresh(false);
  assert.deepEqual(server.asked, ['GET endpoints']);
  assert.deepEqual(model.state.jobs, server.jobs);
});

test('the bill is asked for again after a minute, or when other days are wanted', async () => {
  const { server, model, clock } = setUp();
  const asks = async (): Promise<boolean> => {
    server.asked = [];
    await model.refresh();
    return server.asked.some(each => each.startsWith('GET costs'));
  };
  assert.ok(await asks());
  clock.now += COSTS_MS - 1;
  assert.ok(!(await asks()));
  clock.now += 1;
  assert.ok(await asks());
  model.ask({ jobs: 5, costDays: 30 });
  assert.ok(await asks());
  assert.deepEqual(server.asked, ['GET endpoints', 'GET jobs?limit=5', 'GET costs?days=30']);
});

test('the endpoints of a Runpod that gives no answer stay as they were last seen', async () => {
  const { server, model } = setUp();
  await model.refresh();
  const seen = server.listing.endpoints;
  const [mine] = seen;
  assert.ok(mine);
  const error = { type: 'RateLimitedError', message: 'too many requests', fix: 'wait', status: 429 };
  server.listing = { ...listing(), backends: [{ name: mine.backend, state: 'failed', error }] };
  await model.refresh();
  assert.deepEqual(model.state.listing?.endpoints, seen);
  server.listing = listing();
  await model.refresh();
  assert.deepEqual(model.state.listing.endpoints, []);
});

test('a problem leaves what was last seen, and goes with the next answer', async () => {
  const { server, model } = setUp();
  await model.refresh();
  server.fail();
  await assert.rejects(model.refresh());
  assert.equal(model.state.problem?.kind, 'offline');
  assert.deepEqual(model.state.listing, server.listing);
  server.problem = null;
  await model.refresh();
  assert.equal(model.state.problem, null);
});

const DOINGS: [sentence: string, key: string, act: (model: SidebarModel) => Promise<unknown>, asked: string][] = [
  ['undeploying', 'runpod/e1', model => model.undeploy(endpoint()), 'DELETE endpoints/runpod/e1'],
  ['undeploying all', 'runpod', model => model.undeployAll('runpod'), 'DELETE endpoints?backend=runpod'],
  ['purging', 'runpod/e1', model => model.purge(endpoint()), 'POST endpoints/runpod/e1/purge'],
  ['cancelling', 'fj-1', model => model.cancel(job()), 'POST jobs/fj-1/cancel'],
  ['starting', 'local', model => model.startLocal(), 'POST local/start'],
  ['stopping', 'local', model => model.stopLocal(), 'POST local/stop']
];

for (const [sentence, key, act, asked] of DOINGS) {
  test(`${sentence} is shown as busy until a new look is there`, async () => {
    const { server, model } = setUp();
    let open: () => void = () => undefined;
    server.gate = new Promise(resolve => (open = resolve));
    const done = act(model);
    assert.deepEqual([...model.state.busy], [key]);
    open();
    await done;
    assert.deepEqual(server.asked, [asked, ...ALL]);
    assert.deepEqual([...model.state.busy], []);
  });
}

test('what fails is told to who asked for it, and is not busy any more', async () => {
  const { server, model } = setUp();
  server.fail();
  await assert.rejects(model.undeploy(endpoint()));
  assert.deepEqual([...model.state.busy], []);
});
