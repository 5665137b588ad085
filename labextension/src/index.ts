/** The plugins, each in a folder of its own. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { cells } from './cells/plugin';
import { outputs } from './outputs/plugin';
import { sidebar } from './sidebar/plugin';

const plugins: JupyterFrontEndPlugin<unknown>[] = [cells, outputs, sidebar];

export default plugins;
