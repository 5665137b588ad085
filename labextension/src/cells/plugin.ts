/** Cell tools: which part of a build a cell is, the options of its endpoint, and badges that show both. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTools, INotebookTracker } from '@jupyterlab/notebook';

import { Api } from '../api/api';
import { serverRequest } from '../api/requests';
import { followBadges } from './badges';
import { askOf } from './check';
import { tagIcon } from '../icons';
import { ROLES, type Role } from './marks';
import { CellTool, mark } from './tool';

const OPEN = 'flash-jupyter:cell-tools';
const MARK = 'flash-jupyter:mark-cell';
/** JupyterLab's command that opens the panel where the notebook tools are; in Notebook 7 they are one by themselves. */
const SHOW_TOOLS = 'property-inspector:show-panel';

export const cells: JupyterFrontEndPlugin<void> = {
  id: 'flash-jupyter:cells',
  description: 'Marks cells for flash build, sets the options of their endpoints, and shows which run on a worker.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [INotebookTools, ICommandPalette],
  activate: (
    app: JupyterFrontEnd,
    tracker: INotebookTracker,
    tools: INotebookTools | null,
    palette: ICommandPalette | null
  ) => {
    tracker.forEach(followBadges);
    tracker.widgetAdded.connect((_, panel) => {
      followBadges(panel);
    });
    addMarkCommand(app, tracker);
    if (tools !== null) {
      const tool = new CellTool(askOf(new Api(serverRequest(app.serviceManager.serverSettings))));
      tools.addSection({ sectionName: 'flash', label: 'Flash' });
      tools.addItem({ section: 'flash', tool });
      addOpenCommand(app, tracker, tool, tools.id);
      palette?.addItem({ command: OPEN, category: 'Flash' });
    }
    for (const { role } of ROLES) {
      palette?.addItem({ command: MARK, category: 'Flash', args: { role } });
    }
  }
};

function addMarkCommand(app: JupyterFrontEnd, tracker: INotebookTracker): void {
  app.commands.addCommand(MARK, {
    label: args => {
      const role = ROLES.find(each => each.role === args.role);
      return role === undefined || role.role === '' ? 'Take Mark from Cell' : `Mark Cell as ${role.label}`;
    },
    caption: 'What the cell is to flash build',
    isEnabled: () => tracker.activeCell?.model.type === 'code',
    execute: args => {
      const notebook = tracker.currentWidget?.content;
      for (const cell of notebook?.widgets ?? []) {
        if (notebook?.isSelectedOrActive(cell) && cell.model.type === 'code') {
          mark(cell, { role: args.role as Role, name: '' });
        }
      }
    }
  });
}

function addOpenCommand(app: JupyterFrontEnd, tracker: INotebookTracker, tool: CellTool, toolsId: string): void {
  app.commands.addCommand(OPEN, {
    label: 'Cell Tools',
    caption: 'Flash: mark this cell for the build, and set the options of its endpoint',
    icon: tagIcon,
    isEnabled: () => tracker.currentWidget !== null,
    execute: async () => {
      if (app.commands.hasCommand(SHOW_TOOLS)) {
        await app.commands.execute(SHOW_TOOLS);
      } else {
        app.shell.activateById(toolsId);
      }
      requestAnimationFrame(() => {
        tool.focus();
      });
    }
  });
}
