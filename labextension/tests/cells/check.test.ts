import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Checker, type CellText, type Problem } from '../../src/cells/check';

const cell = (source: string): CellText => ({ source, tags: [], options: {} });

/** A checker whose answers come when the test gives them. */
function made(): {
  checker: Checker;
  asked: string[];
  shown: string[][];
  answer: ((problems: Problem[] | Error) => void)[];
} {
  const asked: string[] = [];
  const shown: string[][] = [];
  const answer: ((problems: Problem[] | Error) => void)[] = [];
  const checker = new Checker(
    each => {
      asked.push(each.source);
      return new Promise((resolve, reject) => {
        answer.push(given => {
          if (given instanceof Error) {
            reject(given);
          } else {
            resolve(given);
          }
        });
      });
    },
    problems => shown.push(problems.map(problem => problem.message)),
    0
  );
  return { checker, asked, shown, answer };
}

/** Until what was put off has been done. */
const turn = (): Promise<void> => sleep(20);

test('only the last of several changes is asked', async () => {
  const { checker, asked } = made();
  checker.look(cell('a'));
  checker.look(cell('ab'));
  await turn();
  assert.deepEqual(asked, ['ab']);
});

test('the same cell is asked once', async () => {
  const { checker, asked } = made();
  checker.look(cell('a'));
  await turn();
  checker.look(cell('a'));
  await turn();
  assert.deepEqual(asked, ['a']);
});

test('an answer about what has changed meanwhile is not shown', async () => {
  const { checker, shown, answer } = made();
  checker.look(cell('a'));
  await turn();
  checker.look(cell('b'));
  await turn();
  answer[1]?.([{ message: 'new', fix: '' }]);
  answer[0]?.([{ message: 'old', fix: '' }]);
  await turn();
  assert.deepEqual(shown, [['new']]);
});

test('no cell has no problems', async () => {
  const { checker, shown, answer } = made();
  checker.look(cell('a'));
  await turn();
  checker.look(null);
  answer[0]?.([{ message: 'old', fix: '' }]);
  await turn();
  assert.deepEqual(shown, [[]]);
});

test('a server that does not answer is told', async () => {
  const { checker, shown, answer } = made();
  checker.look(cell('a'));
  await turn();
  answer[0]?.(new Error('500'));
  await turn();
  assert.deepEqual(shown, [['The cell could not be checked: 500']]);
});
