import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';

import { Standing } from '../../src/outputs/standing';
import { RequestError } from '../../src/api/api';
import type { Cancelled, Job } from '../../src/api/documents';

const AGAIN = '%flash attach fj-1 brings what it prints and binds';

describe('how a job stands', () => {
  let job: Partial<Job>;
  let problem: Error | null;
  let asked: number;
  let drawn: number;
  let standing: Standing;
  const answer = <T>(document: T): Promise<T> => {
    asked += 1;
    return problem ? Promise.reject(problem) : Promise.resolve(document);
  };
  let cancelled: Cancelled;
  const client = {
    job: () => answer(job as Job),
    cancel: () => answer(cancelled)
  };

  beforeEach(() => {
    job = { is_open: true, state: 'IN_PROGRESS' };
    cancelled = { id: 'fj-1', state: 'CANCELLED', is_confirmed: true, text: 'cancelled' };
    problem = null;
    asked = drawn = 0;
    standing = new Standing('fj-1', client, () => {
      drawn += 1;
    });
  });

  it('can be cancelled where the server knows it as open, which is asked once', async () => {
    await standing.begin();
    await standing.begin();
    assert.deepEqual([standing.canCancel, standing.note, asked, drawn], [true, '', 1, 1]);
  });

  it('has no button where the server can not say', async () => {
    problem = new RequestError('missing', 'no flash_jupyter', '');
    await standing.begin();
    assert.deepEqual([standing.canCancel, standing.note], [false, '']);
  });

  it('says that it goes on where its card stands still, until it is drawn again', async () => {
    await standing.look(true);
    assert.equal(standing.note, `this card stands still, the job goes on; ${AGAIN}`);
    standing.isDrawn();
    assert.equal(standing.note, '');
  });

  it('says that it is over, and has no button then', async () => {
    await standing.begin();
    job = { is_open: false, state: 'COMPLETED' };
    await standing.look(true);
    assert.deepEqual([standing.canCancel, standing.note], [false, `the job is over by now (COMPLETED); ${AGAIN}`]);
  });

  it('says what a click led to, also when the card is drawn again', async () => {
    await standing.begin();
    await standing.cancel();
    standing.isDrawn();
    assert.deepEqual([standing.canCancel, standing.note], [false, 'cancelled']);
  });

  it('can be clicked again where the platform has not confirmed', async () => {
    await standing.begin();
    cancelled = { ...cancelled, state: 'IN_PROGRESS', is_confirmed: false, text: 'not confirmed' };
    await standing.cancel();
    standing.isDrawn();
    assert.deepEqual([standing.canCancel, standing.isCancelling, standing.note], [true, false, 'not confirmed']);
  });

  it('asks again when it is drawn again, where the server did not answer', async () => {
    problem = new RequestError('offline', 'no answer', '');
    await standing.begin();
    problem = null;
    await standing.begin();
    assert.equal(standing.canCancel, true);
  });

  it('says what to do where it could not be cancelled, and can be clicked again', async () => {
    await standing.begin();
    problem = new RequestError('error', 'there is no key', '');
    await standing.cancel();
    assert.deepEqual(
      [standing.canCancel, standing.isCancelling, standing.note],
      [true, false, 'it is not cancelled: there is no key; interrupt the kernel']
    );
  });
});
