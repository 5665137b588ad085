/** Requests with what the server wants to let them in: token, cookie, XSRF header, base URL. */
import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { Request } from './api';

/** Return what sends requests to the routes of the server extension. */
export function serverRequest(settings: ServerConnection.ISettings): Request {
  const root = URLExt.join(settings.baseUrl, 'flash-jupyter/api/');
  return (path, init) => ServerConnection.makeRequest(root + path, init, settings);
}
