/** Draws the outputs that say more than HTML: the card of a job with its Cancel button, and the buttons of the panel. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker, type NotebookPanel } from '@jupyterlab/notebook';

import { Api } from '../api/api';
import { serverRequest } from '../api/requests';
import { Client } from '../api/client';
import { JOB_VIEW, JobCard } from './card';
import { CONTROLS_VIEW, Controls } from './controls';

/** Goes before the widgets' own, which is -10, and before HTML. */
const RANK = -20;

export const outputs: JupyterFrontEndPlugin<void> = {
  id: 'flash-jupyter:outputs',
  description: 'Draws the Cancel button of a job, and the buttons of %flash while their kernel is there.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (app, tracker: INotebookTracker) => {
    const client = new Client(new Api(serverRequest(app.serviceManager.serverSettings)));
    const draw = ({ content: { rendermime }, sessionContext }: NotebookPanel): void => {
      const job = {
        safe: false,
        mimeTypes: [JOB_VIEW],
        createRenderer: () => new JobCard(rendermime, client)
      };
      const controls = {
        safe: false,
        mimeTypes: [CONTROLS_VIEW],
        createRenderer: () => new Controls(rendermime, sessionContext)
      };
      rendermime.addFactory(job, RANK);
      rendermime.addFactory(controls, RANK);
    };
    tracker.forEach(draw);
    tracker.widgetAdded.connect((_, panel) => {
      draw(panel);
    });
  }
};
