/** Documents as the server answers them, with what a test changes. */
import type { Bill, Costs, Endpoint, EndpointListing, Job } from '../../src/api/documents';

export function endpoint(changes: Partial<Endpoint> = {}): Endpoint {
  return {
    name: 'churn',
    id: 'e1',
    backend: 'runpod',
    type: 'QUEUE',
    hardware: 'ADA_24',
    state: 'ready',
    workers: '1 idle',
    worker_counts: { idle: 1, initializing: 0, running: 0, throttled: 0, unhealthy: 0 },
    jobs: '0',
    job_counts: { queued: 0, running: 0 },
    owner: 'me@here',
    whose: 'ours',
    notebook: '/data/ann/nb.ipynb',
    last_job_at: '2026-11-22T10:00:00Z',
    created_at: '2026-11-22T09:00:00Z',
    expires_at: '',
    usd_per_hour: 0.69,
    billed_workers: 1,
    usd_per_hour_now: 0.69,
    ...changes
  };
}

export function listing(...endpoints: Endpoint[]): EndpointListing {
  return {
    at: '2026-11-22T10:00:00Z',
    backends: [
      { name: 'local', state: 'asleep', error: null },
      { name: 'runpod', state: 'ready', error: null }
    ],
    endpoints,
    usd_per_hour: endpoints.reduce((sum, each) => sum + (each.usd_per_hour_now ?? 0), 0),
    billed_workers: endpoints.reduce((sum, each) => sum + each.billed_workers, 0)
  };
}

export function job(changes: Partial<Job> = {}): Job {
  return {
    id: 'fj-1',
    platform_id: 'p-1',
    name: 'churn',
    kind: 'cell',
    state: 'IN_PROGRESS',
    outcome: 'IN_PROGRESS',
    is_open: true,
    endpoint_id: 'e1',
    backend: 'runpod',
    notebook: '/data/ann/nb.ipynb',
    cell_id: 'c1',
    worker_id: 'w1',
    created_at: '2026-11-22T10:00:00Z',
    finished_at: null,
    seconds: null,
    cost_usd: null,
    has_result: false,
    error: null,
    ...changes
  };
}

export function bill(isCharged: boolean, ...usd: number[]): Bill {
  const total = usd.reduce((sum, each) => sum + each, 0);
  const days = usd.map((each, index) => ({ date: `2026-11-${20 + index}`, usd: each }));
  return { days: usd.length, today_usd: usd.at(-1) ?? 0, days_usd: total, is_charged: isCharged, by_day: days };
}

export function costs(local: Bill | null, runpod: Bill | null): Costs {
  return {
    days: 3,
    backends: [
      { name: 'local', state: local ? 'ready' : 'asleep', error: null, bill: local },
      { name: 'runpod', state: runpod ? 'ready' : 'no key', error: null, bill: runpod }
    ]
  };
}
