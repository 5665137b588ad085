/** What the server answers; `flash_jupyter/server/rest-api.yml` describes every field. */
import type { ErrorDocument } from './api';

export type BackendName = 'local' | 'runpod';
export type BackendState = 'ready' | 'asleep' | 'no key' | 'failed';
export type JobState = 'IN_QUEUE' | 'IN_PROGRESS' | 'COMPLETED' | 'FAILED' | 'CANCELLED' | 'TIMED_OUT';
export type EndpointState = 'running' | 'unhealthy' | 'starting' | 'ready' | 'no capacity' | 'queued' | 'asleep';

export interface Backend {
  name: BackendName;
  state: BackendState;
  error: ErrorDocument | null;
}

export interface WorkerCounts {
  idle: number;
  initializing: number;
  running: number;
  throttled: number;
  unhealthy: number;
}

export interface Endpoint {
  name: string;
  id: string;
  backend: BackendName;
  type: string;
  hardware: string;
  state: EndpointState | null;
  workers: string | null;
  worker_counts: WorkerCounts | null;
  jobs: string | null;
  job_counts: { queued: number; running: number } | null;
  owner: string;
  whose: 'ours' | 'orphan' | 'others';
  notebook: string;
  last_job_at: string;
  created_at: string;
  expires_at: string;
  usd_per_hour: number | null;
  billed_workers: number;
  usd_per_hour_now: number | null;
}

export interface EndpointListing {
  at: string;
  backends: Backend[];
  endpoints: Endpoint[];
  usd_per_hour: number;
  billed_workers: number;
}

export interface Job {
  id: string;
  platform_id: string | null;
  name: string | null;
  kind: 'cell' | 'call' | 'handler' | 'deployed';
  state: JobState;
  /** the state, or what the code raised: to the platform such a job is completed */
  outcome?: string;
  /** the function; empty for a cell */
  called?: string;
  is_open: boolean;
  endpoint_id: string | null;
  backend: BackendName;
  notebook: string;
  cell_id: string;
  worker_id: string | null;
  created_at: string;
  finished_at: string | null;
  seconds: number | null;
  cost_usd: number | null;
  has_result: boolean;
  error: string | null;
}

export interface Deleted {
  /** names that a listing no longer shows */
  deleted: string[];
  /** which of them come back, and what ends that */
  note?: string;
}

export interface Cancelled {
  id: string;
  state: JobState;
  is_confirmed: boolean;
  text: string;
}

export interface Day {
  date: string;
  usd: number;
}

export interface Bill {
  days: number;
  today_usd: number;
  days_usd: number;
  is_charged: boolean;
  by_day: Day[];
}

export interface Costs {
  days: number;
  backends: (Backend & { bill: Bill | null })[];
}

/** What a stream of a log has: pieces of text, then its end or an error. */
export type LogEvent =
  | { event: 'log'; data: { worker_id: string; text: string } }
  | { event: 'end'; data: { state: string; error: string | null } }
  | { event: 'error'; data: ErrorDocument };
