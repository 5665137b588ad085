/** What the command palette has. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';

import { flashIcon } from '../icons';

interface PaletteActions {
  show: () => void;
  refresh: () => void;
  undeployAllLocal: () => void;
  undeployAllRunpod: () => void;
  startLocal: () => void;
  stopLocal: () => void;
}

const LABELS: Record<keyof PaletteActions, string> = {
  show: 'Show Endpoints, Jobs and Cost',
  refresh: 'Look Again at Endpoints and Jobs',
  undeployAllLocal: 'Undeploy All of Mine on the Embedded Runpod…',
  undeployAllRunpod: 'Undeploy All of Mine on Runpod…',
  startLocal: 'Start the Embedded Runpod',
  stopLocal: 'Stop the Embedded Runpod…'
};

/** Add the commands, `flash-jupyter:show` and so on, to Lab and to its palette. */
export function addCommands(app: JupyterFrontEnd, palette: ICommandPalette | null, actions: PaletteActions): void {
  for (const name of Object.keys(LABELS) as (keyof PaletteActions)[]) {
    const command = `flash-jupyter:${name}`;
    app.commands.addCommand(command, { label: LABELS[name], icon: flashIcon, execute: actions[name] });
    palette?.addItem({ command, category: 'Runpod' });
  }
}
