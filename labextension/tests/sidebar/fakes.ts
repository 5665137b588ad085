/** A client that answers what a test says, and notes what it was asked. */
import { Api, RequestError } from '../../src/api/api';
import { Client } from '../../src/api/client';
import type { Costs, EndpointListing, Job } from '../../src/api/documents';
import { costs, listing } from './documents';

export class FakeServer {
  asked: string[] = [];
  listing: EndpointListing = listing();
  jobs: Job[] = [];
  costs: Costs = costs(null, null);
  /** thrown instead of any answer */
  problem: Error | null = null;
  /** answers wait for it */
  gate: Promise<void> = Promise.resolve();

  private readonly api = new Api(async (path, init) => {
    this.asked.push(`${init.method ?? ''} ${path}`);
    await this.gate;
    if (this.problem) {
      throw this.problem;
    }
    return new Response(JSON.stringify(this.document(path)));
  });
  readonly client = new Client(this.api);

  fail(): void {
    this.problem = new RequestError('offline', 'gone', '');
  }

  private document(path: string): unknown {
    if (path.startsWith('costs')) {
      return this.costs;
    }
    if (path.startsWith('jobs?')) {
      return { jobs: this.jobs };
    }
    return path === 'endpoints' ? this.listing : { deleted: ['churn'], removed: 2, text: 'cancelled' };
  }
}
