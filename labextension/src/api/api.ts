/** Asks the routes of the server extension: what it answers, or an error that says what to do next. */

/** An error as the server tells it. */
export interface ErrorDocument {
  type: string;
  message: string;
  fix: string;
  status: number;
}

/** Sends a request to a path below `flash-jupyter/api`; rejects where no answer comes. */
export type Request = (path: string, init: RequestInit) => Promise<Response>;

/** Why a request gave no document: the server is not there, has no such extension, lets nobody in, or says an error. */
export type ProblemKind = 'offline' | 'missing' | 'forbidden' | 'error';

export class RequestError extends Error {
  constructor(
    readonly kind: ProblemKind,
    message: string,
    readonly fix: string
  ) {
    super(message);
  }
}

const START_AGAIN = 'see whether the Jupyter server runs; this page looks again by itself';

export class Api {
  constructor(private readonly request: Request) {}

  /** Send a request, with a body as JSON where there is one; return the answer's JSON. */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const response = await this.send(path, body === undefined ? { method } : { method, body: JSON.stringify(body) });
    return (await response.json().catch(() => {
      throw new RequestError('error', 'the Jupyter server answered without JSON', START_AGAIN);
    })) as T;
  }

  /** Send a request; return the answer, which is no error. */
  async send(path: string, init: RequestInit): Promise<Response> {
    let response;
    try {
      response = await this.request(path, init);
    } catch {
      throw new RequestError('offline', 'The Jupyter server does not answer', START_AGAIN);
    }
    if (!response.ok) {
      throw await errorOf(response);
    }
    return response;
  }
}

/** Read an error as the server tells it; one that is not ours says that the server has no such extension. */
async function errorOf(response: Response): Promise<RequestError> {
  const told = (await response.json().catch(() => null)) as Partial<ErrorDocument> | null;
  const isOurs = typeof told?.type === 'string';
  if (response.status === 404 && !isOurs) {
    const fix = 'install flash-jupyter in the environment of the Jupyter server, and start it again';
    return new RequestError('missing', 'This Jupyter server has no flash_jupyter', fix);
  }
  if (response.status === 403 && (!isOurs || told.type === 'HTTPError')) {
    return new RequestError('forbidden', 'The Jupyter server does not let this page in', 'log in again');
  }
  const message = told?.message ?? `the Jupyter server answered ${response.status}`;
  return new RequestError('error', message, told?.fix ?? 'look at the log of the Jupyter server');
}
