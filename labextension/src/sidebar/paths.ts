/** Where a notebook is for Lab: paths of the server begin at its root. */

/**
 * Return a notebook's path below the server's root; null where it lies elsewhere.
 *
 * A kernel knows the whole path. Lab's `serverRoot` may begin with `~`, for the home of the server's user.
 */
export function contentsPath(notebook: string, serverRoot: string): string | null {
  const root = serverRoot.replace(/\/+$/, '');
  if (!notebook.startsWith('/')) {
    return notebook || null;
  }
  if (!root.startsWith('~')) {
    return notebook.startsWith(`${root}/`) ? notebook.slice(root.length + 1) : null;
  }
  const belowHome = `${root.slice(1)}/`;
  const at = notebook.indexOf(belowHome);
  // a home is `/root`, `/home/NAME`, `/Users/NAME`: the root of the server comes after one or two names
  const names = notebook.slice(1, at).split('/').length;
  return at > 0 && names <= 2 && belowHome !== '/' ? notebook.slice(at + belowHome.length) : null;
}
