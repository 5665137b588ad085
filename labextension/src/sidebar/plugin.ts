/** Adds the sidebar to JupyterLab. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Panel } from '@lumino/widgets';

export const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'flash-jupyter:sidebar',
  description: 'Endpoints, jobs and what they cost, in the left sidebar.',
  autoStart: true,
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, restorer: ILayoutRestorer | null) => {
    const panel = new Panel();
    panel.id = 'flash-jupyter-sidebar';
    panel.title.caption = 'Flash';
    panel.title.label = 'Flash';
    panel.addClass('jp-flash-Sidebar');
    app.shell.add(panel, 'left', { rank: 600, type: 'Flash' });
    restorer?.add(panel, panel.id);
  }
};
