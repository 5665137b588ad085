/** The buttons of a panel: the widget while the kernel has it, else the line that says how to get them back. */
import type { ISessionContext } from '@jupyterlab/apputils';
import type { IRenderMime, IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { Kernel } from '@jupyterlab/services';
import { PanelLayout, Widget } from '@lumino/widgets';

/** As `views/controls.py` writes it. */
export const CONTROLS_VIEW = 'application/vnd.flash-jupyter.controls+json';
const WIDGET_VIEW = 'application/vnd.jupyter.widget-view+json';
/** The name under which ipywidgets opens the comms of its models. */
const WIDGET_COMM = 'jupyter.widget';
/** With these the kernel forgets its widgets. */
const ENDS: readonly Kernel.Status[] = ['restarting', 'autorestarting', 'terminating', 'dead'];

export class Controls extends Widget implements IRenderMime.IRenderer {
  private readonly panel: PanelLayout;
  private model: IRenderMime.IMimeModel | null = null;

  constructor(
    private readonly rendermime: IRenderMimeRegistry,
    private readonly session: ISessionContext
  ) {
    super();
    this.panel = this.layout = new PanelLayout();
    session.kernelChanged.connect(this.lookAgain);
    session.statusChanged.connect(this.statusChanged);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    this.model = model;
    await this.session.ready;
    const { model_id: modelId } = model.data[CONTROLS_VIEW] as { model_id: string };
    const isThere = this.rendermime.mimeTypes.includes(WIDGET_VIEW) && (await hasWidget(this.session, modelId));
    if (!this.isDisposed && this.model === model) {
      await this.put(isThere ? WIDGET_VIEW : 'text/html');
    }
  }

  override dispose(): void {
    this.session.kernelChanged.disconnect(this.lookAgain);
    this.session.statusChanged.disconnect(this.statusChanged);
    super.dispose();
  }

  private readonly lookAgain = (): void => {
    if (this.model !== null) {
      void this.renderModel(this.model);
    }
  };

  private readonly statusChanged = (_: ISessionContext, status: Kernel.Status): void => {
    if (ENDS.includes(status)) {
      void this.put('text/html');
    }
  };

  private async put(mimeType: string): Promise<void> {
    const [shown] = this.panel.widgets;
    if (this.model === null || shown?.node.dataset.flashView === mimeType) {
      return;
    }
    shown?.dispose();
    const renderer = this.rendermime.createRenderer(mimeType);
    renderer.node.dataset.flashView = mimeType;
    this.panel.addWidget(renderer);
    await renderer.renderModel(this.model);
  }
}

/** Whether a kernel has a widget: one that was started since has not. */
async function hasWidget(session: ISessionContext, modelId: string): Promise<boolean> {
  const kernel = session.session?.kernel;
  if (!kernel) {
    return false;
  }
  const { content } = await kernel.requestCommInfo({ target_name: WIDGET_COMM });
  return content.status === 'ok' && modelId in content.comms;
}
