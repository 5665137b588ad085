import assert from 'node:assert/strict';
import { test } from 'node:test';

import {
  badgesOf,
  commentOf,
  handlerNames,
  marksOf,
  remoteOf,
  tagOf,
  withMark,
  type Mark
} from '../../src/cells/marks';

test('a mark that is written is the mark that is read', () => {
  for (const mark of [
    { role: 'setup', name: '' },
    { role: 'handler', name: '' },
    { role: 'handler', name: 'predict' }
  ] as Mark[]) {
    assert.deepEqual(marksOf(withMark([], mark)), [mark]);
  }
});

test('a mark takes the place of another, and other tags stay', () => {
  const tags = withMark(['parameters', 'flash:init', 'slow'], { role: 'handler', name: 'predict' });
  assert.deepEqual(tags, ['parameters', 'slow', 'flash:handler:predict']);
  assert.deepEqual(withMark(tags, { role: '', name: '' }), ['parameters', 'slow']);
});

test('only a handler keeps its name', () => {
  assert.equal(tagOf({ role: 'setup', name: 'predict' }), 'flash:setup');
});

for (const [text, source, comment] of [
  ['a comment at the top', '#| flash: handler name=predict\nx = 1', '#| flash: handler name=predict'],
  ['one behind others', '\n# trains\n#|flash: init\nx = 1', '#|flash: init'],
  ["nbdev's", '#| export\nx = 1', '#| export'],
  ['one below code', 'x = 1\n#| flash: init', ''],
  ['none', 'x = 1', '']
] as const) {
  test(`the mark of a comment: ${text}`, () => {
    assert.equal(commentOf(source), comment);
  });
}

for (const [text, tags, source, names] of [
  ['a tag', ['flash:handler:rate'], 'x = 1', ['rate']],
  ['a tag without a name', ['flash:handler'], 'x = 1', ['']],
  ['a comment', [], '#| flash: handler name=rate\nx = 1', ['rate']],
  ['a comment that names files too', [], '#| flash: handler include=a.json name=rate\nx = 1', ['rate']],
  ['a comment that only names files', [], '#| flash: include=handler.json\nx = 1', []],
  ['a comment without a name', [], '#| flash handler\nx = 1', ['']],
  ['another role, whatever its comment says', [], '#| flash: setup of the handler\nx = 1', []],
  ["nbdev's comment", [], '#| export handler\nx = 1', []],
  ['no mark', ['parameters'], 'handler = 1', []]
] as const) {
  test(`the names of a handler: ${text}`, () => {
    assert.deepEqual(handlerNames(tags, source), names);
  });
}

for (const [text, source, options] of [
  ['a magic', '%%remote gpu=any\nx', 'gpu=any'],
  ['one without options', '%%remote\nx', ''],
  ['one behind comments', '# trains\n\n%%remote deps=torch\nx', 'deps=torch'],
  ['a comment', '#| remote: gpu=any\nx', 'gpu=any'],
  ['another magic', '%%remote_control\nx', null],
  ['another comment', '#| remote-control: x', null],
  ['a comment below code', 'x\n#| remote: gpu=any', null],
  ['a cell that runs here', 'x = 1', null],
  ['an empty cell', '', null]
] as const) {
  test(`the options of a remote cell: ${text}`, () => {
    assert.equal(remoteOf(source), options);
  });
}

for (const [text, tags, source, badges] of [
  ['nothing', ['parameters'], 'x = 1', []],
  ['a handler', ['flash:handler:predict'], 'x = 1', [['handler · predict', false]]],
  [
    'a remote handler',
    ['flash:handler'],
    '%%remote gpu=any\nx',
    [
      ['remote · gpu=any', false],
      ['handler', false]
    ]
  ],
  ['a comment', [], '#| flash: init\nx', [['flash: init', false]]],
  [
    'two marks',
    ['flash:init', 'flash:setup'],
    'x',
    [
      ['init', true],
      ['setup', true]
    ]
  ],
  ['a role that does not exist', ['flash:handle'], 'x', [['handle', true]]]
] as const) {
  test(`above a cell: ${text}`, () => {
    assert.deepEqual(
      badgesOf(tags, source).map(badge => [badge.text, badge.wrong]),
      badges
    );
  });
}
