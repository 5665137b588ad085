/** The jobs of this machine, newest first: how each went, what it cost, and how to get at it. */
import { linkIcon, listIcon, stopIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Actions } from './actions';
import { Facts, IconButton, NotebookLink } from './controls';
import type { Job } from '../api/documents';
import { age, duration, JOB_STATES, money, secondsSince } from './format';

interface JobSectionProps {
  jobs: Job[];
  busy: ReadonlySet<string>;
  now: number;
  actions: Actions;
}

export function JobSection({ jobs, busy, now, actions }: JobSectionProps): React.ReactElement {
  const open = jobs.filter(job => job.is_open).length;
  return (
    <section className="jp-flash-Section" aria-label="Jobs">
      <header>
        <h3>Jobs</h3>
        {open > 0 && <span className="jp-flash-Count">{`${open} open`}</span>}
      </header>
      {jobs.length === 0 && <div className="jp-flash-Note">No job yet on this machine.</div>}
      <ul>
        {jobs.map(job => (
          <Row key={job.id} job={job} isBusy={busy.has(job.id)} now={now} actions={actions} />
        ))}
      </ul>
    </section>
  );
}

interface RowProps {
  job: Job;
  isBusy: boolean;
  now: number;
  actions: Actions;
}

function Row({ job, isBusy, now, actions }: RowProps): React.ReactElement {
  const seconds = job.is_open ? secondsSince(job.created_at, now) : job.seconds;
  return (
    <li className="jp-flash-Row" aria-busy={isBusy}>
      <div className="jp-flash-Row-head">
        <span className="jp-flash-Dot" data-state={hasRaised(job) ? 'FAILED' : job.state} aria-hidden="true" />
        <span className="jp-flash-Row-name" title={job.id}>
          {job.name ?? job.id}
        </span>
        <RowButtons job={job} isBusy={isBusy} actions={actions} />
      </div>
      <Facts>
        {isBusy ? 'cancelling…' : hasRaised(job) ? job.outcome : JOB_STATES[job.state]}
        {seconds !== null && duration(seconds)}
        {job.cost_usd !== null && money(job.cost_usd)}
        <span title={job.created_at}>{age(job.created_at, now)}</span>
        {job.notebook && <NotebookLink notebook={job.notebook} open={actions.openNotebook} />}
      </Facts>
      {job.error && (
        <div className="jp-flash-Row-error" title={job.error}>
          {job.error}
        </div>
      )}
    </li>
  );
}

/** Whether the code of a job raised, which to the platform is as good an end as any. */
function hasRaised(job: Job): boolean {
  return job.outcome?.startsWith('raised ') ?? false; // a server of an older version does not say it
}

function RowButtons({ job, isBusy, actions }: Omit<RowProps, 'now'>): React.ReactElement {
  const name = `${job.name ?? 'job'} (${job.id})`;
  const buttons = [
    ...(job.kind === 'cell' && (job.is_open || job.has_result)
      ? [{ icon: linkIcon, verb: 'Attach to', act: actions.attach }]
      : []),
    { icon: listIcon, verb: 'Logs of', act: actions.jobLog },
    ...(job.is_open ? [{ icon: stopIcon, verb: 'Cancel', act: actions.cancel }] : [])
  ];
  return (
    <span className="jp-flash-Row-buttons">
      {buttons.map(({ icon, verb, act }) => (
        <IconButton
          key={verb}
          icon={icon}
          label={`${verb} ${name}`}
          disabled={isBusy}
          onClick={() => {
            act(job);
          }}
        />
      ))}
    </span>
  );
}
