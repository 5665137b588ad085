/** Numbers, times and states as a reader sees them. */
import type { BackendName, Deleted, EndpointListing, JobState } from '../api/documents';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Write an amount of US dollars; small amounts keep two digits that say something. */
export function money(usd: number): string {
  if (usd === 0 || usd >= 0.1) {
    return `$${usd.toFixed(2)}`;
  }
  return usd < 0.0001 ? '<$0.0001' : `$${usd.toFixed(4)}`;
}

/** Write a span of time in seconds with its two largest units. */
export function duration(seconds: number): string {
  if (seconds < MINUTE) {
    return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  }
  const whole = Math.floor(seconds);
  if (whole < HOUR) {
    return join(Math.floor(whole / MINUTE), 'min', whole % MINUTE, 's');
  }
  if (whole < DAY) {
    return join(Math.floor(whole / HOUR), 'h', Math.floor((whole % HOUR) / MINUTE), 'min');
  }
  return join(Math.floor(whole / DAY), 'd', Math.floor((whole % DAY) / HOUR), 'h');
}

/** Write how old something is, with one unit; empty for a time that nobody said. */
export function age(at: string, now: number): string {
  const seconds = secondsSince(at, now);
  if (seconds === null) {
    return '';
  }
  if (seconds < MINUTE) {
    return 'just now';
  }
  const [size, unit] = seconds < HOUR ? [MINUTE, 'min'] : seconds < DAY ? [HOUR, 'h'] : [DAY, 'd'];
  return `${Math.floor(seconds / size)} ${unit} ago`;
}

/** Return the seconds from a time to `now` (milliseconds); null for a time that can't be read. */
export function secondsSince(at: string, now: number): number | null {
  const then = Date.parse(at);
  return Number.isNaN(then) ? null : Math.max(0, (now - then) / 1000);
}

/** Write a count with its noun. */
export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

/** Return the last part of a path, as a reader knows a notebook. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Return the workers that are up, or come up. */
export function workersUp(listing: EndpointListing): number {
  return listing.endpoints.reduce((sum, { worker_counts: workers }) => {
    return workers ? sum + workers.idle + workers.running + workers.initializing : sum;
  }, 0);
}

export const BACKENDS: Record<BackendName, string> = { local: 'Embedded Runpod', runpod: 'Runpod cloud' };

/** Say what the sum of dollars an hour leaves out; a Runpod that can't be asked may cost more. */
export function hourText(listing: EndpointListing): string {
  const unpriced = listing.endpoints.some(each => each.usd_per_hour_now === null);
  return ['an hour', ...(unpriced ? ['and workers whose price is not known'] : []), ...unseen(listing)].join(', ');
}

export function workersText(listing: EndpointListing): string {
  const workers = workersUp(listing);
  if (workers) {
    return `${count(workers, 'worker')} up, ${listing.billed_workers} billed`;
  }
  return unseen(listing).length ? 'no worker is seen' : 'no worker is up';
}

/** Say in the status bar how many workers are up, and what they cost an hour. */
export function statusText(listing: EndpointListing | null): string {
  if (!listing) {
    return 'Runpod';
  }
  return [`${count(workersUp(listing), 'worker')}, ${money(listing.usd_per_hour)}/h`, ...unseen(listing)].join(', ');
}

function unseen(listing: EndpointListing): string[] {
  return listing.backends.filter(each => each.error).map(each => `${BACKENDS[each.name]}: no answer`);
}

export const JOB_STATES: Record<JobState, string> = {
  IN_QUEUE: 'queued',
  IN_PROGRESS: 'running',
  COMPLETED: 'completed',
  FAILED: 'failed',
  CANCELLED: 'cancelled',
  TIMED_OUT: 'timed out'
};

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small ? `${large} ${largeUnit} ${small} ${smallUnit}` : `${large} ${largeUnit}`;
}

/** What became of a deletion, and what of it comes back. */
export function deletedText({ deleted, note }: Deleted): string {
  const said = deleted.length ? `deleted: ${deleted.join(', ')}` : 'nothing was there to delete';
  return note ? `${said}. ${note}` : said;
}
