/** What a user can do in the sidebar; who draws it knows no more. */
import type { BackendName, Endpoint, Job } from '../api/documents';

export interface Actions {
  readonly refresh: () => void;
  readonly undeploy: (endpoint: Endpoint) => void;
  readonly undeployAll: (backend: BackendName) => void;
  readonly purge: (endpoint: Endpoint) => void;
  readonly endpointLog: (endpoint: Endpoint) => void;
  readonly startLocal: () => void;
  readonly attach: (job: Job) => void;
  readonly cancel: (job: Job) => void;
  readonly jobLog: (job: Job) => void;
  readonly openNotebook: (notebook: string) => void;
}
