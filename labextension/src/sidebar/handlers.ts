/** Does in JupyterLab what a user asks for in the sidebar: asks back before anything is lost, says what became of it. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import type { INotebookTracker } from '@jupyterlab/notebook';

import { RequestError } from '../api/api';
import type { Actions } from './actions';
import { attach } from './attach';
import type { Client } from '../api/client';
import type { BackendName, Endpoint, Job } from '../api/documents';
import { BACKENDS, count, deletedText } from './format';
import { LogModel } from './log';
import { LogWidget } from './logview';
import type { SidebarModel } from './model';
import { contentsPath } from './paths';

/** a text that takes more than a glance to read stays until it is closed */
const LONG = 100;

export class Handlers implements Actions {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly model: SidebarModel,
    private readonly client: Client,
    private readonly notebooks: INotebookTracker,
    readonly refresh: () => void
  ) {}

  readonly undeploy = (endpoint: Endpoint): void => {
    const owner = endpoint.whose === 'others' ? ` It belongs to ${endpoint.owner || 'somebody else'}.` : '';
    const text = `Its workers end, and its waiting jobs are lost.${owner}`;
    void this.afterQuestion(`Undeploy ${endpoint.name}?`, text, 'Undeploy', async () =>
      deletedText(await this.model.undeploy(endpoint))
    );
  };

  readonly undeployAll = (backend: BackendName): void => {
    const text = 'All endpoints that are yours are deleted there, with their workers and waiting jobs.';
    void this.afterQuestion(`Undeploy all of yours: ${BACKENDS[backend]}?`, text, 'Undeploy all', async () =>
      deletedText(await this.model.undeployAll(backend))
    );
  };

  readonly purge = (endpoint: Endpoint): void => {
    const text = 'The waiting jobs are taken out of the queue; those that run go on.';
    void this.afterQuestion(`Purge the queue of ${endpoint.name}?`, text, 'Purge', async () => {
      const removed = await this.model.purge(endpoint);
      return `${endpoint.name}: ${count(removed, 'job')} taken out of the queue`;
    });
  };

  readonly cancel = (job: Job): void => {
    void this.tell(() => this.model.cancel(job));
  };

  readonly startLocal = (): void => {
    void this.tell(async () => {
      await this.model.startLocal();
      return 'the embedded Runpod runs';
    });
  };

  readonly stopLocal = (): void => {
    const text = 'Its workers end; waiting jobs run when it is started again.';
    void this.afterQuestion('Stop the embedded Runpod?', text, 'Stop', async () => {
      await this.model.stopLocal();
      return 'the embedded Runpod is stopped';
    });
  };

  readonly endpointLog = (endpoint: Endpoint): void => {
    this.showLog(`Log: ${endpoint.name}`, signal => this.client.endpointLog(endpoint, signal));
  };

  readonly jobLog = (job: Job): void => {
    this.showLog(`Log: ${job.name ?? 'job'} ${job.id}`, signal => this.client.jobLog(job.id, signal));
  };

  readonly attach = (job: Job): void => {
    void this.tell(async () => {
      if (await attach(this.notebooks, job.id)) {
        return '';
      }
      throw new RequestError('error', 'No notebook is open', 'open the one that is to have the result, and try again');
    });
  };

  readonly openNotebook = (notebook: string): void => {
    void this.tell(async () => {
      const path = contentsPath(notebook, PageConfig.getOption('serverRoot'));
      if (path === null) {
        throw new RequestError('error', `${notebook} is outside of this server's folder`, 'open it where it is');
      }
      await this.app.commands.execute('docmanager:open', { path });
      return '';
    });
  };

  private showLog(title: string, open: ConstructorParameters<typeof LogModel>[1]): void {
    for (const shown of this.app.shell.widgets('main')) {
      if (shown instanceof LogWidget && shown.title.label === title) {
        this.app.shell.activateById(shown.id);
        return;
      }
    }
    this.app.shell.add(new LogWidget(new LogModel(title, open)), 'main', { mode: 'split-bottom' });
  }

  private async afterQuestion(title: string, body: string, verb: string, action: () => Promise<string>): Promise<void> {
    const buttons = [Dialog.cancelButton({ label: 'Keep' }), Dialog.warnButton({ label: verb })];
    const { button } = await showDialog({ title, body, buttons, defaultButton: 0 });
    if (button.accept) {
      await this.tell(action);
    }
  }

  /** Do it, and say what it returns; an error is said with what to do next. */
  private async tell(action: () => Promise<string>): Promise<void> {
    try {
      const said = await action();
      if (said) {
        Notification.success(said, { autoClose: said.length > LONG ? false : 4000 });
      }
    } catch (error) {
      const text = error instanceof RequestError ? `${error.message}${error.fix && `; ${error.fix}`}` : String(error);
      Notification.error(text, { autoClose: 10_000 });
    }
  }
}
