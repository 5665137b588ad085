/** Keeps the keyboard where it was when its button is taken away: else it would begin at the top of the page again. */
import * as React from 'react';

interface KeepFocusProps {
  children: React.ReactNode;
}

interface Focused {
  label: string | null;
  place: number;
}

export class KeepFocus extends React.Component<KeepFocusProps> {
  private readonly box = React.createRef<HTMLDivElement>();

  /** Return the button that has the focus and its place among all; nothing where none has. */
  override getSnapshotBeforeUpdate(): Focused | null {
    const { buttons } = this;
    const place = buttons.findIndex(button => button === document.activeElement);
    return place < 0 ? null : { label: nameOf(buttons[place]), place };
  }

  /** A row that moves loses the focus too: its button gets it back, or that of a row drawn anew, else the next one. */
  override componentDidUpdate(_props: KeepFocusProps, _state: unknown, focused: Focused | null): void {
    if (focused && !this.box.current?.contains(document.activeElement)) {
      const { buttons } = this;
      const same = focused.label ? buttons.find(button => nameOf(button) === focused.label) : undefined;
      (same ?? buttons[Math.min(focused.place, buttons.length - 1)])?.focus();
    }
  }

  override render(): React.ReactElement {
    return <div ref={this.box}>{this.props.children}</div>;
  }

  private get buttons(): HTMLButtonElement[] {
    return [...(this.box.current?.querySelectorAll('button') ?? [])];
  }
}

function nameOf(button?: HTMLButtonElement): string | null {
  return button?.getAttribute('aria-label') ?? null;
}
