/** What the sidebar shows, and what can be done with it; asks a client and tells those who draw when it changed. */
import { type ISignal, Signal } from '@lumino/signaling';

import { type ProblemKind, RequestError } from '../api/api';
import type { Client } from '../api/client';
import type { BackendName, Costs, Deleted, Endpoint, EndpointListing, Job } from '../api/documents';

/** Why there is no news, and what to do. */
export interface Problem {
  kind: ProblemKind;
  message: string;
  fix: string;
}

/** What was last seen stays when a problem comes up; null before the first answer. */
export interface State {
  listing: EndpointListing | null;
  jobs: Job[] | null;
  costs: Costs | null;
  problem: Problem | null;
  /** keys of what is being done, as `keyOf` makes them */
  busy: ReadonlySet<string>;
}

/** How much is asked for. */
export interface Extent {
  jobs: number;
  costDays: number;
}

/** The bill lags behind anyway: between two looks at it, in milliseconds. */
export const COSTS_MS = 60_000;

export class SidebarModel {
  private current: State = { listing: null, jobs: null, costs: null, problem: null, busy: new Set() };
  private costsAt = -Infinity;
  private readonly signal = new Signal<this, State>(this);

  constructor(
    private readonly client: Client,
    public extent: Extent,
    private readonly now: () => number = Date.now
  ) {}

  get state(): State {
    return this.current;
  }

  get changed(): ISignal<this, State> {
    return this.signal;
  }

  /** Look again at endpoints, and where `whole` at jobs and costs too; rejects so that a poll backs off. */
  async refresh(whole = true): Promise<void> {
    try {
      const [listing, jobs, costs] = await Promise.all([
        this.client.endpoints(),
        whole ? this.client.jobs(this.extent.jobs) : this.current.jobs,
        whole ? this.freshCosts() : this.current.costs
      ]);
      this.update({ listing: withSeen(listing, this.current.listing), jobs, costs, problem: null });
    } catch (error) {
      this.update({ problem: problemOf(error) });
      throw error;
    }
  }

  /** Show more or fewer jobs and days from the next look on. */
  ask(extent: Extent): void {
    if (extent.costDays !== this.extent.costDays) {
      this.costsAt = -Infinity;
    }
    this.extent = extent;
  }

  undeploy(endpoint: Endpoint): Promise<Deleted> {
    return this.whileBusy(keyOf(endpoint), () => this.client.undeploy(endpoint));
  }

  undeployAll(backend: BackendName): Promise<Deleted> {
    return this.whileBusy(backend, () => this.client.undeployAll(backend));
  }

  purge(endpoint: Endpoint): Promise<number> {
    return this.whileBusy(keyOf(endpoint), () => this.client.purge(endpoint));
  }

  /** Stop a job; returns in words what became of it. */
  cancel(job: Job): Promise<string> {
    return this.whileBusy(job.id, async () => (await this.client.cancel(job.id)).text);
  }

  startLocal(): Promise<void> {
    return this.whileBusy('local', () => this.client.startLocal());
  }

  stopLocal(): Promise<void> {
    return this.whileBusy('local', () => this.client.stopLocal());
  }

  private async freshCosts(): Promise<Costs | null> {
    if (this.now() - this.costsAt < COSTS_MS) {
      return this.current.costs;
    }
    const costs = await this.client.costs(this.extent.costDays);
    this.costsAt = this.now();
    return costs;
  }

  private async whileBusy<T>(key: string, action: () => Promise<T>): Promise<T> {
    this.update({ busy: new Set([...this.current.busy, key]) });
    try {
      const result = await action();
      await this.refresh().catch(() => undefined); // the problem is part of the state
      return result;
    } finally {
      this.update({ busy: new Set([...this.current.busy].filter(each => each !== key)) });
    }
  }

  private update(change: Partial<State>): void {
    this.current = { ...this.current, ...change };
    this.signal.emit(this.current);
  }
}

/** Return what an endpoint is known by: ids of two Runpods may be the same. */
export function keyOf({ backend, id }: Endpoint): string {
  return `${backend}/${id}`;
}

/** Keep what was last seen of a Runpod that gives no answer, as one that answers 429 for some seconds. */
function withSeen(listing: EndpointListing, seen: EndpointListing | null): EndpointListing {
  const silent = new Set(listing.backends.filter(backend => backend.error).map(({ name }) => name));
  const kept = seen?.endpoints.filter(({ backend }) => silent.has(backend)) ?? [];
  return { ...listing, endpoints: [...listing.endpoints, ...kept] };
}

function problemOf(error: unknown): Problem {
  if (error instanceof RequestError) {
    return { kind: error.kind, message: error.message, fix: error.fix };
  }
  return { kind: 'error', message: String(error), fix: 'reload the page, and please report it' };
}
