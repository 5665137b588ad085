/** The card of a job that runs: its HTML, and below it a button that cancels the job, whatever the kernel does. */
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { PanelLayout, Widget } from '@lumino/widgets';

import type { Client } from '../api/client';
import { STALE_MS, Standing } from './standing';

/** As `views/card.py` writes it. */
export const JOB_VIEW = 'application/vnd.flash-jupyter.job+json';

export class JobCard extends Widget implements IRenderMime.IRenderer {
  private readonly html: IRenderMime.IRenderer;
  private readonly button = document.createElement('button');
  private readonly note = document.createElement('span');
  private standing: Standing | null = null;
  private stale = 0;

  constructor(
    rendermime: IRenderMimeRegistry,
    private readonly client: Client
  ) {
    super();
    this.addClass('jp-flash-Card');
    this.html = rendermime.createRenderer('text/html');
    this.button.type = 'button';
    this.button.className = 'jp-flash-Card-cancel';
    this.button.addEventListener('click', () => void this.standing?.cancel());
    const row = new Widget();
    row.addClass('jp-flash-Card-row');
    row.node.append(this.button, this.note);
    const layout = (this.layout = new PanelLayout());
    layout.addWidget(this.html);
    layout.addWidget(row);
    this.draw();
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    await this.html.renderModel(model);
    if (this.isDisposed) {
      return;
    }
    const { job_id: jobId } = model.data[JOB_VIEW] as { job_id: string };
    if (this.standing?.jobId !== jobId) {
      this.standing = new Standing(jobId, this.client, () => {
        this.draw();
      });
    }
    this.standing.isDrawn();
    void this.standing.begin();
    this.lookLater();
  }

  override dispose(): void {
    window.clearTimeout(this.stale);
    this.standing = null;
    super.dispose();
  }

  /** Look how the job stands, again and again, once its kernel does not draw it any more. */
  private lookLater(): void {
    window.clearTimeout(this.stale);
    this.stale = window.setTimeout(() => {
      void this.standing?.look(true).then(() => {
        if (this.standing?.canCancel) {
          this.lookLater();
        }
      });
    }, STALE_MS);
  }

  private draw(): void {
    const { canCancel, isCancelling, note } = this.standing ?? { canCancel: false, isCancelling: false, note: '' };
    this.toggleClass('jp-mod-cancellable', canCancel);
    this.button.hidden = !canCancel;
    this.button.disabled = isCancelling;
    this.button.textContent = isCancelling ? 'Cancelling' : 'Cancel';
    this.note.textContent = note;
  }
}
