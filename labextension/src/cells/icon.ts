/** The icon of the cell tools: a tag. */
import { LabIcon } from '@jupyterlab/ui-components';

export const tagIcon = new LabIcon({
  name: 'flash-jupyter:tag',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">' +
    '<path class="jp-icon3" fill="#616161" fill-rule="evenodd" d="M3 3h9.2L21.4 12.2a1.4 1.4 0 0 1 0 2L14.2 21.4a1.4 1.4 0' +
    ' 0 1-2 0L3 12.2zM7.2 5.4a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z"/></svg>'
});
