/** The line above a cell that runs on a worker, or has a role in the build. */
import type { Cell } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Throttler } from '@lumino/polling';
import { type PanelLayout, Widget } from '@lumino/widgets';

import { badgesOf } from './marks';
import { tagsOf } from './tool';

/** Between a change of a notebook and its new badges, in milliseconds. */
const PAUSE_MS = 150;

/** Keeps the badges of a notebook right until it is closed. */
export function followBadges(panel: NotebookPanel): void {
  const shown = new WeakMap<Cell, Widget>();
  const throttler = new Throttler(() => {
    for (const cell of panel.isDisposed ? [] : panel.content.widgets) {
      drawBadges(cell, shown);
    }
  }, PAUSE_MS);
  const changed = (): void => void throttler.invoke();
  panel.content.modelContentChanged.connect(changed);
  panel.disposed.connect(() => {
    throttler.dispose();
  });
  void panel.context.ready.then(changed);
}

function drawBadges(cell: Cell, shown: WeakMap<Cell, Widget>): void {
  const badges = cell.model.type === 'code' ? badgesOf(tagsOf(cell), cell.model.sharedModel.getSource()) : [];
  const old = shown.get(cell);
  const text = JSON.stringify(badges);
  if (old === undefined ? badges.length === 0 : old.node.dataset.badges === text) {
    return;
  }
  old?.dispose();
  shown.delete(cell);
  if (badges.length > 0) {
    const line = lineOf(badges);
    line.node.dataset.badges = text;
    (cell.layout as PanelLayout).insertWidget(0, line);
    shown.set(cell, line);
  }
}

function lineOf(badges: ReturnType<typeof badgesOf>): Widget {
  const line = new Widget();
  line.addClass('jp-flash-Badges');
  line.node.setAttribute('role', 'note');
  line.node.setAttribute('aria-label', `Flash: ${badges.map(badge => badge.text).join(', ')}`);
  for (const badge of badges) {
    const node = document.createElement('span');
    node.className = badge.wrong ? 'jp-flash-Badge jp-flash-mod-wrong' : 'jp-flash-Badge';
    node.textContent = badge.text;
    node.title = badge.title;
    line.node.append(node);
  }
  return line;
}
