/** The endpoints of one Runpod: what each is at, what it costs, and how to take it away. */
import { clearIcon, deleteIcon, listIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Actions } from './actions';
import { Badge, Facts, IconButton, NotebookLink, pressable } from './controls';
import type { Backend, Endpoint } from '../api/documents';
import { age, BACKENDS, money } from './format';
import { keyOf } from './model';

interface SectionProps {
  backend: Backend;
  endpoints: Endpoint[];
  busy: ReadonlySet<string>;
  now: number;
  actions: Actions;
}

export function EndpointSection({ backend, endpoints, busy, now, actions }: SectionProps): React.ReactElement {
  const title = BACKENDS[backend.name];
  const ours = endpoints.filter(each => each.whose !== 'others');
  return (
    <section className="jp-flash-Section" aria-label={`Endpoints: ${title}`} aria-busy={busy.has(backend.name)}>
      <header>
        <h3>{title}</h3>
        {endpoints.length > 0 && <span className="jp-flash-Count">{endpoints.length}</span>}
        {ours.length > 0 && (
          <IconButton
            icon={deleteIcon}
            label={`Undeploy all of mine: ${title}`}
            disabled={busy.has(backend.name)}
            onClick={() => {
              actions.undeployAll(backend.name);
            }}
          />
        )}
      </header>
      <BackendNote
        backend={backend}
        isEmpty={endpoints.length === 0}
        isBusy={busy.has(backend.name)}
        actions={actions}
      />
      <ul>
        {endpoints.map(endpoint => (
          <Row
            key={keyOf(endpoint)}
            endpoint={endpoint}
            isBusy={busy.has(keyOf(endpoint))}
            now={now}
            actions={actions}
          />
        ))}
      </ul>
    </section>
  );
}

interface NoteProps {
  backend: Backend;
  isEmpty: boolean;
  isBusy: boolean;
  actions: Actions;
}

/** Why there is no endpoint here, and what to do. */
function BackendNote({ backend, isEmpty, isBusy, actions }: NoteProps): React.ReactElement | null {
  if (backend.error) {
    return (
      <div className="jp-flash-Note jp-mod-error" role="alert">
        <strong>{backend.error.message}</strong>
        <div>{backend.error.fix}</div>
      </div>
    );
  }
  if (backend.state === 'asleep') {
    return (
      <div className="jp-flash-Note">
        <div>Not running. It starts by itself with the first remote cell.</div>
        <button type="button" className="jp-flash-Link" {...pressable(actions.startLocal, isBusy)}>
          {isBusy ? 'Starting…' : 'Start it now'}
        </button>
      </div>
    );
  }
  if (backend.state === 'no key') {
    return <div className="jp-flash-Note">No API key is set: only the embedded Runpod is used.</div>;
  }
  return isEmpty ? <div className="jp-flash-Note">No endpoint. A cell with %%remote makes one.</div> : null;
}

interface RowProps {
  endpoint: Endpoint;
  isBusy: boolean;
  now: number;
  actions: Actions;
}

function Row({ endpoint, isBusy, now, actions }: RowProps): React.ReactElement {
  const state = endpoint.state ?? (endpoint.type === 'QUEUE' ? 'not known' : 'load balancer');
  return (
    <li className="jp-flash-Row" aria-busy={isBusy}>
      <div className="jp-flash-Row-head">
        <span className="jp-flash-Dot" data-state={endpoint.state ?? ''} aria-hidden="true" />
        <span className="jp-flash-Row-name" title={`${endpoint.name} (${endpoint.id})`}>
          {endpoint.name}
        </span>
        <Whose endpoint={endpoint} />
        <RowButtons endpoint={endpoint} isBusy={isBusy} actions={actions} />
      </div>
      <Facts>
        {state}
        {endpoint.workers && `workers: ${endpoint.workers}`}
        {endpoint.jobs && endpoint.jobs !== '0' && `jobs: ${endpoint.jobs}`}
      </Facts>
      <Facts>
        {endpoint.hardware}
        {price(endpoint)}
        {endpoint.created_at && <span title={`made ${endpoint.created_at}`}>{age(endpoint.created_at, now)}</span>}
        {endpoint.notebook && <NotebookLink notebook={endpoint.notebook} open={actions.openNotebook} />}
      </Facts>
    </li>
  );
}

function RowButtons({ endpoint, isBusy, actions }: Omit<RowProps, 'now'>): React.ReactElement {
  const buttons = [
    { icon: listIcon, verb: 'Logs of', act: actions.endpointLog },
    ...(endpoint.job_counts?.queued ? [{ icon: clearIcon, verb: 'Purge the queue of', act: actions.purge }] : []),
    { icon: deleteIcon, verb: 'Undeploy', act: actions.undeploy }
  ];
  return (
    <span className="jp-flash-Row-buttons">
      {buttons.map(({ icon, verb, act }) => (
        <IconButton
          key={verb}
          icon={icon}
          label={`${verb} ${endpoint.name}`}
          disabled={isBusy}
          onClick={() => {
            act(endpoint);
          }}
        />
      ))}
    </span>
  );
}

function Whose({ endpoint }: { endpoint: Endpoint }): React.ReactElement | null {
  if (endpoint.whose === 'orphan') {
    return <Badge text="orphan" title="Its time to live is over, and it has no job: nobody waits for it" />;
  }
  const owner = endpoint.owner || 'not ours';
  return endpoint.whose === 'others' ? <Badge text={owner} title="Another user, or another tool, made it" /> : null;
}

function price(endpoint: Endpoint): string {
  if (endpoint.backend === 'local') {
    return 'not charged';
  }
  return endpoint.usd_per_hour === null ? 'price not known' : `${money(endpoint.usd_per_hour)}/h a worker`;
}
