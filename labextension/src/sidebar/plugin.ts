/** Adds the sidebar, its item in the status bar and its commands to JupyterLab. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';

import { Api } from '../api/api';
import { serverRequest } from '../api/requests';
import { Client } from '../api/client';
import { addCommands } from './commands';
import { Handlers } from './handlers';
import { SidebarModel } from './model';
import { Polling } from './polling';
import { DEFAULTS, type Preferences, readPreferences } from './preferences';
import { StatusWidget } from './status';
import { SidebarWidget } from './widget';

const ID = 'flash-jupyter:sidebar';

export const sidebar: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: 'Endpoints, jobs and what they cost, in the left sidebar.',
  autoStart: true,
  requires: [INotebookTracker],
  optional: [ISettingRegistry, ILayoutRestorer, ICommandPalette, IStatusBar],
  activate: (app, notebooks: INotebookTracker, registry: ISettingRegistry | null, ...places: Places) => {
    const client = new Client(new Api(serverRequest(app.serviceManager.serverSettings)));
    const model = new SidebarModel(client, DEFAULTS.extent);
    const polling = new Polling(model, DEFAULTS.intervals);
    const handlers = new Handlers(app, model, client, notebooks, () => {
      polling.lookNow();
    });
    const panel = new SidebarWidget(model, handlers, isSeen => {
      polling.setOpen(isSeen);
    });
    const item = addPlaces(app, panel, model, handlers, places);
    const prefer = ({ intervals, extent, showStatus }: Preferences): void => {
      model.ask(extent);
      polling.setIntervals(intervals);
      item.setHidden(!showStatus);
    };
    void begin(registry, prefer).finally(() => {
      polling.start();
    });
  }
};

type Places = [restorer: ILayoutRestorer | null, palette: ICommandPalette | null, statusBar: IStatusBar | null];

/** Put the panel, the commands and the item of the status bar, which is returned, where a user finds them. */
function addPlaces(
  app: JupyterFrontEnd,
  panel: SidebarWidget,
  model: SidebarModel,
  handlers: Handlers,
  [restorer, palette, statusBar]: Places
): StatusWidget {
  app.shell.add(panel, 'left', { rank: 600, type: 'Runpod' });
  restorer?.add(panel, panel.id);
  const show = (): void => {
    app.shell.activateById(panel.id);
  };
  addCommands(app, palette, {
    show,
    refresh: handlers.refresh,
    undeployAllLocal: () => {
      handlers.undeployAll('local');
    },
    undeployAllRunpod: () => {
      handlers.undeployAll('runpod');
    },
    startLocal: handlers.startLocal,
    stopLocal: handlers.stopLocal
  });
  const item = new StatusWidget(model, show);
  statusBar?.registerStatusItem(`${ID}-status`, { item, align: 'left', rank: 4 });
  return item;
}

/** Read the settings, and again whenever they change; without them the defaults hold. */
async function begin(registry: ISettingRegistry | null, prefer: (preferences: Preferences) => void): Promise<void> {
  const settings = await registry?.load(ID);
  if (settings) {
    prefer(readPreferences(settings));
    settings.changed.connect(() => {
      prefer(readPreferences(settings));
    });
  }
}
