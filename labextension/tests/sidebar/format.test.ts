import assert from 'node:assert/strict';
import { test } from 'node:test';

import { money } from '../../src/sidebar/format';

for (const [usd, text] of [
  [0, '$0.00'],
  [0.00003, '<$0.0001'],
  [0.0042, '$0.0042'],
  [0.694, '$0.69'],
  [12, '$12.00']
] as const) {
  test(`money of ${usd}`, () => {
    assert.equal(money(usd), text);
  });
}
