/** One item of the status bar: workers that are up, and what they cost an hour. */
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { statusText } from './format';
import { flashIcon } from '../icons';
import type { SidebarModel } from './model';

export class StatusWidget extends ReactWidget {
  constructor(
    private readonly model: SidebarModel,
    private readonly showSidebar: () => void
  ) {
    super();
    this.addClass('jp-flash-Status');
  }

  protected render(): React.ReactElement {
    return (
      <UseSignal signal={this.model.changed}>
        {() => {
          const { listing, problem } = this.model.state;
          const text = problem ? 'Runpod: no answer' : statusText(listing);
          return (
            <button type="button" title="Show the Runpod sidebar" onClick={this.showSidebar}>
              <flashIcon.react tag="span" display="flex" aria-hidden="true" />
              <span>{text}</span>
            </button>
          );
        }}
      </UseSignal>
    );
  }
}
