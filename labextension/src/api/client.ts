/** What the sidebar and the cards ask the server; truth is there, nothing is kept here. */
import type { Api } from './api';
import type { BackendName, Cancelled, Costs, Deleted, Endpoint, EndpointListing, Job, LogEvent } from './documents';
import { readEvents } from './events';

export class Client {
  constructor(private readonly api: Api) {}

  endpoints(): Promise<EndpointListing> {
    return this.api.ask('GET', 'endpoints');
  }

  async jobs(limit: number): Promise<Job[]> {
    return (await this.api.ask<{ jobs: Job[] }>('GET', `jobs?limit=${limit}`)).jobs;
  }

  /** How one job stands. */
  job(jobId: string): Promise<Job> {
    return this.api.ask('GET', `jobs/${encodeURIComponent(jobId)}`);
  }

  costs(days: number): Promise<Costs> {
    return this.api.ask('GET', `costs?days=${days}`);
  }

  /** Delete an endpoint. */
  undeploy(endpoint: Endpoint): Promise<Deleted> {
    return this.api.ask('DELETE', pathOf(endpoint));
  }

  /** Delete all of this user's endpoints on one Runpod. */
  undeployAll(backend: BackendName): Promise<Deleted> {
    return this.api.ask('DELETE', `endpoints?backend=${backend}`);
  }

  /** Take the waiting jobs out of a queue; returns how many. */
  async purge(endpoint: Endpoint): Promise<number> {
    return (await this.api.ask<{ removed: number }>('POST', `${pathOf(endpoint)}/purge`)).removed;
  }

  cancel(jobId: string): Promise<Cancelled> {
    return this.api.ask('POST', `jobs/${encodeURIComponent(jobId)}/cancel`);
  }

  async startLocal(): Promise<void> {
    await this.api.ask('POST', 'local/start');
  }

  async stopLocal(): Promise<void> {
    await this.api.ask('POST', 'local/stop');
  }

  /** Follow the log of an endpoint's workers until it is deleted. */
  endpointLog(endpoint: Endpoint, signal: AbortSignal): AsyncGenerator<LogEvent> {
    return this.follow(`${pathOf(endpoint)}/logs`, signal);
  }

  /** Follow what a job prints until it is over. */
  jobLog(jobId: string, signal: AbortSignal): AsyncGenerator<LogEvent> {
    return this.follow(`jobs/${encodeURIComponent(jobId)}/logs`, signal);
  }

  private async *follow(path: string, signal: AbortSignal): AsyncGenerator<LogEvent> {
    const response = await this.api.send(path, { method: 'GET', signal });
    if (response.body) {
      yield* readEvents(response.body);
    }
  }
}

function pathOf({ backend, id }: Endpoint): string {
  return `endpoints/${backend}/${encodeURIComponent(id)}`;
}
