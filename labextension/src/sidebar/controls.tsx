/** Small parts that all sections use. */
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { fileName } from './format';

interface IconButtonProps {
  icon: LabIcon;
  /** what it does, and to what: the name that a screen reader says */
  label: string;
  onClick: () => void;
  disabled?: boolean;
}

export function IconButton({ icon, label, onClick, disabled }: IconButtonProps): React.ReactElement {
  return (
    <button
      type="button"
      className="jp-flash-IconButton"
      title={label}
      aria-label={label}
      {...pressable(onClick, disabled)}
    >
      <icon.react tag="span" display="flex" aria-hidden="true" />
    </button>
  );
}

type Pressable = Pick<React.ButtonHTMLAttributes<HTMLButtonElement>, 'aria-disabled' | 'onClick'>;

/** What a button does when it is pressed: one that is `disabled` nothing, but it keeps the focus, which HTML's own would lose. */
export function pressable(onClick: () => void, disabled = false): Pressable {
  return disabled ? { 'aria-disabled': true } : { onClick };
}

interface NotebookLinkProps {
  /** as the kernel knew it; may be empty */
  notebook: string;
  open: (notebook: string) => void;
}

export function NotebookLink({ notebook, open }: NotebookLinkProps): React.ReactElement | null {
  return notebook ? (
    <button
      type="button"
      className="jp-flash-Link"
      title={`Open ${notebook}`}
      onClick={() => {
        open(notebook);
      }}
    >
      {fileName(notebook)}
    </button>
  ) : null;
}

/** Put facts beside each other, with a dot between; those that are empty are left out. */
export function Facts({ children }: { children: React.ReactNode }): React.ReactElement {
  const shown = React.Children.toArray(children);
  return (
    <div className="jp-flash-Facts">
      {shown.map((child, index) => (
        <span key={index}>{child}</span>
      ))}
    </div>
  );
}

export function Badge({ text, title }: { text: string; title: string }): React.ReactElement {
  return (
    <span className="jp-flash-Badge" title={title}>
      {text}
    </span>
  );
}
