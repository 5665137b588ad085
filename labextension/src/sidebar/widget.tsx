/** The panel in Lab's left area. */
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { Actions } from './actions';
import { KeepFocus } from './focus';
import { flashIcon } from '../icons';
import type { SidebarModel } from './model';
import { Sidebar } from './sidebar';

export class SidebarWidget extends ReactWidget {
  constructor(
    private readonly model: SidebarModel,
    private readonly actions: Actions,
    private readonly seen: (isSeen: boolean) => void
  ) {
    super();
    this.id = 'flash-jupyter-sidebar';
    this.title.icon = flashIcon;
    this.title.caption = 'Runpod: endpoints, jobs, cost';
    this.addClass('jp-flash-Sidebar');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Runpod');
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.seen(true);
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this.seen(false);
  }

  protected render(): React.ReactElement {
    return (
      <UseSignal signal={this.model.changed}>
        {() => (
          <KeepFocus>
            <Sidebar state={this.model.state} now={Date.now()} actions={this.actions} />
          </KeepFocus>
        )}
      </UseSignal>
    );
  }
}
