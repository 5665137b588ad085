import assert from 'node:assert/strict';
import { test } from 'node:test';

import { optionsOf, otherOptions, textOf, withOption } from '../../src/cells/options';

for (const [value, text] of [
  [undefined, ''],
  [null, ''],
  ['AMPERE_80', 'AMPERE_80'],
  [['torch', 'numpy>=2'], 'torch,numpy>=2'],
  [600, '600'],
  [{ A: 1, B: 'x' }, 'A=1,B=x']
] as const) {
  test(`${JSON.stringify(value)} in a field`, () => {
    assert.equal(textOf(value), text);
  });
}

test('an option is set, changed and taken away, the others stay as they are', () => {
  const options = withOption({ deps: ['torch'] }, 'gpu', 'any');
  assert.deepEqual(options, { deps: ['torch'], gpu: 'any' });
  assert.deepEqual(withOption({ deps: ['torch'], gpu: 'any' }, 'gpu', ' '), { deps: ['torch'] });
  assert.equal(withOption({ gpu: 'any' }, 'gpu', ''), null);
});

test('metadata that are no object have no options', () => {
  assert.deepEqual([optionsOf([1]), optionsOf('x'), optionsOf(undefined), optionsOf(null)], [{}, {}, {}, {}]);
});

test('an option that is misspelled can be seen', () => {
  assert.deepEqual(
    otherOptions({ gpus: 'any', gpu: 'any' }).map(field => field.name),
    ['gpus']
  );
});
