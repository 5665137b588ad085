/** Asks the routes of the server extension; truth is there, nothing is kept here. */
import type {
  BackendName,
  Cancelled,
  Costs,
  Endpoint,
  EndpointListing,
  ErrorDocument,
  Job,
  LogEvent
} from './documents';
import { readEvents } from './events';

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

export class Client {
  constructor(private readonly request: Request) {}

  endpoints(): Promise<EndpointListing> {
    return this.ask('GET', 'endpoints');
  }

  async jobs(limit: number): Promise<Job[]> {
    return (await this.ask<{ jobs: Job[] }>('GET', `jobs?limit=${limit}`)).jobs;
  }

  /** How one job stands. */
  job(jobId: string): Promise<Job> {
    return this.ask('GET', `jobs/${encodeURIComponent(jobId)}`);
  }

  costs(days: number): Promise<Costs> {
    return this.ask('GET', `costs?days=${days}`);
  }

  /** Delete an endpoint; returns the names that a listing no longer shows. */
  async undeploy(endpoint: Endpoint): Promise<string[]> {
    return (await this.ask<{ deleted: string[] }>('DELETE', pathOf(endpoint))).deleted;
  }

  /** Delete all of this user's endpoints on one Runpod. */
  async undeployAll(backend: BackendName): Promise<string[]> {
    return (await this.ask<{ deleted: string[] }>('DELETE', `endpoints?backend=${backend}`)).deleted;
  }

  /** Take the waiting jobs out of a queue; returns how many. */
  async purge(endpoint: Endpoint): Promise<number> {
    return (await this.ask<{ removed: number }>('POST', `${pathOf(endpoint)}/purge`)).removed;
  }

  cancel(jobId: string): Promise<Cancelled> {
    return this.ask('POST', `jobs/${encodeURIComponent(jobId)}/cancel`);
  }

  async startLocal(): Promise<void> {
    await this.ask('POST', 'local/start');
  }

  async stopLocal(): Promise<void> {
    await this.ask('POST', 'local/stop');
  }

  /** Follow the log of an endpoint's workers until it is deleted. */
  endpointLog(endpoint: Endpoint, signal: AbortSignal): AsyncGenerator<LogEvent> {
    return this.follow(`${pathOf(endpoint)}/logs`, signal);
  }

  /** Follow what a job prints until it is over. */
  jobLog(jobId: string, signal: AbortSignal): AsyncGenerator<LogEvent> {
    return this.follow(`jobs/${encodeURIComponent(jobId)}/logs`, signal);
  }

  private async ask<T>(method: string, path: string): Promise<T> {
    const response = await this.send(path, { method });
    return (await response.json().catch(() => {
      throw new RequestError('error', 'the Jupyter server answered without JSON', START_AGAIN);
    })) as T;
  }

  private async *follow(path: string, signal: AbortSignal): AsyncGenerator<LogEvent> {
    const response = await this.send(path, { method: 'GET', signal });
    if (response.body) {
      yield* readEvents(response.body);
    }
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
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

function pathOf({ backend, id }: Endpoint): string {
  return `endpoints/${backend}/${encodeURIComponent(id)}`;
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
