/** The whole sidebar as a picture of the model's state. */
import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Actions } from './actions';
import { IconButton } from './controls';
import { EndpointSection } from './endpoints';
import { JobSection } from './jobs';
import type { Problem, State } from './model';
import { Total } from './total';

interface SidebarProps {
  state: State;
  now: number;
  actions: Actions;
}

export function Sidebar({ state, now, actions }: SidebarProps): React.ReactElement {
  const { listing, problem } = state;
  return (
    <>
      <header className="jp-flash-Title">
        <h2>Runpod</h2>
        <IconButton icon={refreshIcon} label="Look again" onClick={actions.refresh} />
      </header>
      {problem && <ProblemNote problem={problem} isStale={listing !== null} actions={actions} />}
      {listing === null && problem === null && <Loading />}
      {listing && <Content state={{ ...state, listing }} now={now} actions={actions} />}
    </>
  );
}

type Seen = State & { listing: NonNullable<State['listing']> };

function Content({ state, now, actions }: SidebarProps & { state: Seen }): React.ReactElement {
  const { listing, jobs, costs, busy, problem } = state;
  return (
    <div className={problem ? 'jp-flash-Content jp-mod-stale' : 'jp-flash-Content'}>
      <Total listing={listing} costs={costs} />
      {listing.backends.map(backend => (
        <EndpointSection
          key={backend.name}
          backend={backend}
          endpoints={listing.endpoints.filter(each => each.backend === backend.name)}
          busy={busy}
          now={now}
          actions={actions}
        />
      ))}
      {jobs && <JobSection jobs={jobs} busy={busy} now={now} actions={actions} />}
    </div>
  );
}

const TITLES: Record<Problem['kind'], string> = {
  offline: 'Offline',
  missing: 'Not installed',
  forbidden: 'Not allowed',
  error: 'The server reports an error'
};

interface ProblemNoteProps {
  problem: Problem;
  isStale: boolean;
  actions: Actions;
}

function ProblemNote({ problem, isStale, actions }: ProblemNoteProps): React.ReactElement {
  return (
    <div className="jp-flash-Problem" data-kind={problem.kind} role="alert">
      <strong>{TITLES[problem.kind]}</strong>
      <div>{problem.message}</div>
      {problem.fix && <div>{problem.fix}</div>}
      {isStale && <div>Below is what was last seen.</div>}
      <button type="button" className="jp-flash-Link" onClick={actions.refresh}>
        Try again
      </button>
    </div>
  );
}

/** Grey bars in the places of what comes. */
function Loading(): React.ReactElement {
  return (
    <div className="jp-flash-Loading" role="status" aria-label="Loading endpoints">
      {[60, 40, 90, 75, 85].map(width => (
        <span key={width} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}
