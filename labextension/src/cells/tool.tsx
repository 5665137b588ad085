/** The section "Flash" of the notebook tools, at the right: the form of the active cell. */
import type { Cell } from '@jupyterlab/cells';
import { type Notebook, NotebookTools } from '@jupyterlab/notebook';
import { Collapser, ReactWidget } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import { PanelLayout } from '@lumino/widgets';
import React from 'react';

import { Checker, type Ask, type Problem } from './check';
import { CellForm } from './form';
import { commentOf, handlerNames, marksOf, remoteOf, ROLES, withMark, type Mark, type Role } from './marks';
import { optionsOf, withOption, type Options } from './options';

/** The tags of a cell, whatever its metadata have. */
export function tagsOf(cell: Cell): string[] {
  const tags: unknown = cell.model.getMetadata('tags');
  return Array.isArray(tags) ? tags.filter(tag => typeof tag === 'string') : [];
}

/** Mark a cell; one that loses its last tag has no list of them. */
export function mark(cell: Cell, as: Mark): void {
  const tags = withMark(tagsOf(cell), as);
  if (tags.length === 0) {
    cell.model.deleteMetadata('tags');
  } else {
    cell.model.setMetadata('tags', tags);
  }
}

class FormWidget extends ReactWidget {
  cell: Cell | null = null;
  /** where the cell is */
  notebook: Pick<Notebook, 'widgets'> | null = null;
  problems: readonly Problem[] = [];

  protected render(): React.JSX.Element {
    const cell = this.cell;
    if (cell === null || cell.isDisposed || cell.model.type !== 'code') {
      return <p className="jp-flash-CellForm-note">Select a code cell to say what it is in the build.</p>;
    }
    const source = cell.model.sharedModel.getSource();
    const options = optionsOf(cell.model.getMetadata('flash'));
    const names = namesOf(cell);
    const others = this.notebook?.widgets.filter(each => each !== cell) ?? [];
    return (
      <CellForm
        cell={cell.model.id}
        mark={firstMark(tagsOf(cell))}
        comment={commentOf(source)}
        isHandler={names.length > 0}
        remote={remoteOf(source)}
        options={options}
        problems={[...sameName(names, others), ...this.problems]}
        setMark={as => {
          mark(cell, as);
        }}
        setOption={(name, text) => {
          setOptions(cell, withOption(options, name, text));
        }}
      />
    );
  }
}

/** The problem that the build finds only when it sees all cells. */
function sameName(names: string[], others: readonly Cell[]): Problem[] {
  const name = names.find(each => each !== '' && others.some(cell => namesOf(cell).includes(each)));
  return name === undefined
    ? []
    : [{ message: `Another cell is the handler ${name} too`, fix: 'give each handler its own name' }];
}

function namesOf(cell: Cell): string[] {
  return handlerNames(tagsOf(cell), cell.model.sharedModel.getSource());
}

function setOptions(cell: Cell, options: Options | null): void {
  if (options === null) {
    cell.model.deleteMetadata('flash');
  } else {
    cell.model.setMetadata('flash', options);
  }
}

/** What the form shows as the role: with several marks the first, and the build says that there are others. */
function firstMark(tags: readonly string[]): Mark {
  const [first] = marksOf(tags);
  const known = ROLES.find(each => each.role === first?.role);
  return { role: (known?.role ?? '') satisfies Role, name: first?.name ?? '' };
}

/** Follows the active cell, its metadata and its text. */
export class CellTool extends NotebookTools.Tool {
  private readonly form = new FormWidget();
  private readonly checker: Checker;
  private followed: Cell['model'] | null = null;

  constructor(ask: Ask) {
    super();
    this.addClass('jp-flash-CellTool');
    const layout = new PanelLayout();
    layout.addWidget(this.form);
    this.layout = layout;
    this.checker = new Checker(ask, problems => {
      this.form.problems = problems;
      this.form.update();
    });
  }

  private readonly refresh = (): void => {
    const cell = this.form.cell;
    const isCode = cell !== null && !cell.isDisposed && cell.model.type === 'code';
    this.form.update();
    // who does not look at the form is not told, so the server is not asked
    this.checker.look(
      isCode && this.isVisible
        ? {
            source: cell.model.sharedModel.getSource(),
            tags: tagsOf(cell),
            options: cell.model.getMetadata('flash') as unknown
          }
        : null
    );
  };

  /** Unfold the section, and put the keyboard into the form. */
  focus(): void {
    for (let above = this.parent; above !== null; above = above.parent) {
      if (above instanceof Collapser) {
        above.collapsed = false;
      }
    }
    this.node.querySelector<HTMLElement>('select, input')?.focus();
  }

  override dispose(): void {
    this.follow(null);
    this.checker.dispose();
    super.dispose();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.refresh();
  }

  protected override onActiveCellChanged(): void {
    this.follow(this.notebookTools.activeCell);
  }

  private follow(cell: Cell | null): void {
    this.followed?.contentChanged.disconnect(this.refresh);
    this.followed?.metadataChanged.disconnect(this.refresh);
    this.followed = cell?.model ?? null;
    this.followed?.contentChanged.connect(this.refresh);
    this.followed?.metadataChanged.connect(this.refresh);
    if (this.form.cell !== cell) {
      this.form.problems = []; // they were another cell's
    }
    this.form.cell = cell;
    this.form.notebook = this.notebookTools.activeNotebookPanel?.content ?? null;
    this.refresh();
  }
}
