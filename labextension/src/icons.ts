/** The extension's own icons, in the colour that the theme gives icons. */
import { LabIcon } from '@jupyterlab/ui-components';

/** A bolt: the sidebar, the status bar, the commands. */
export const flashIcon = icon('bolt', 'M13.5 2 4 13.5h6L8.5 22 20 9.5h-6.5z');
/** A tag: the cell tools. */
export const tagIcon = icon(
  'tag',
  'M3 3h9.2L21.4 12.2a1.4 1.4 0 0 1 0 2L14.2 21.4a1.4 1.4 0 0 1-2 0L3 12.2zM7.2 5.4a1.8 1.8 0 1 0 0 3.6 1.8 1.8 0 0 0 0-3.6z'
);

function icon(name: string, path: string): LabIcon {
  const drawn = `<path class="jp-icon3" fill="#616161" fill-rule="evenodd" d="${path}"/>`;
  const svgstr = `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">${drawn}</svg>`;
  return new LabIcon({ name: `flash-jupyter:${name}`, svgstr });
}
