/** The plugins, each in a folder of its own. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { cells } from './cells/plugin';
import { sidebar } from './sidebar/plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [cells, sidebar];

export default plugins;
