/** The extension's own icon: a bolt, in the colour that the theme gives icons. */
import { LabIcon } from '@jupyterlab/ui-components';

const BOLT = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="#616161" d="M13.5 2 4 13.5h6L8.5 22 20 9.5h-6.5z"/>
</svg>`;

export const flashIcon = new LabIcon({ name: 'flash-jupyter:bolt', svgstr: BOLT });
