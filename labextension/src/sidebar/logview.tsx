/** A log in the main area that follows what comes, as long as the reader is at its end. */
import { DOMUtils } from '@jupyterlab/apputils';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { LogModel } from './log';
import { flashIcon } from '../icons';

export class LogWidget extends ReactWidget {
  constructor(private readonly model: LogModel) {
    super();
    this.id = DOMUtils.createDomID();
    this.addClass('jp-flash-Log');
    this.title.label = model.title;
    this.title.icon = flashIcon;
    this.title.closable = true;
    void model.follow();
  }

  override dispose(): void {
    this.model.stop();
    super.dispose();
  }

  protected render(): React.ReactElement {
    return <UseSignal signal={this.model.changed}>{() => <LogView model={this.model} />}</UseSignal>;
  }
}

/** Within so many pixels of the end a reader is at the end. */
const NEAR = 40;

function LogView({ model }: { model: LogModel }): React.ReactElement {
  const box = React.useRef<HTMLPreElement>(null);
  const [follows, setFollows] = React.useState(true);
  const { text } = model;
  React.useEffect(() => {
    if (follows && box.current) {
      box.current.scrollTop = box.current.scrollHeight;
    }
  }, [text, follows]);
  const onScroll = ({ currentTarget: { scrollTop, scrollHeight, clientHeight } }: React.UIEvent): void => {
    setFollows(scrollHeight - scrollTop - clientHeight < NEAR);
  };
  return (
    <>
      <LogHead model={model} follows={follows} setFollows={setFollows} />
      <pre ref={box} role="log" aria-label={model.title} tabIndex={0} onScroll={onScroll}>
        {text || (model.phase === 'failed' ? '' : 'Nothing was said yet.')}
      </pre>
    </>
  );
}

interface LogHeadProps {
  model: LogModel;
  follows: boolean;
  setFollows: (follows: boolean) => void;
}

function LogHead({ model, follows, setFollows }: LogHeadProps): React.ReactElement {
  return (
    <header>
      <span role="status">{status(model)}</span>
      {model.phase === 'failed' && (
        <button type="button" className="jp-flash-Link" onClick={() => void model.follow()}>
          Try again
        </button>
      )}
      <label>
        <input
          type="checkbox"
          checked={follows}
          onChange={event => {
            setFollows(event.target.checked);
          }}
        />
        follow
      </label>
    </header>
  );
}

function status({ phase, note }: LogModel): string {
  switch (phase) {
    case 'connecting':
      return 'connecting…';
    case 'live':
      return 'live';
    case 'over':
      return `over: ${note}`;
    case 'failed':
      return note;
  }
}
