/** Keeps the keyboard where it was when its button is taken away: else it would begin at the top of the page again. */
import * as React from 'react';

interface KeepFocusProps {
  children: React.ReactNode;
}

export class KeepFocus extends React.Component<KeepFocusProps> {
  private readonly box = React.createRef<HTMLDivElement>();

  /** Return the place of the button that has the focus, among all; -1 where none has. */
  override getSnapshotBeforeUpdate(): number {
    return this.buttons.findIndex(button => button === document.activeElement);
  }

  override componentDidUpdate(_props: KeepFocusProps, _state: unknown, place: number): void {
    const { buttons } = this;
    if (place >= 0 && !this.box.current?.contains(document.activeElement)) {
      buttons[Math.min(place, buttons.length - 1)]?.focus();
    }
  }

  override render(): React.ReactElement {
    return <div ref={this.box}>{this.props.children}</div>;
  }

  private get buttons(): HTMLButtonElement[] {
    return [...(this.box.current?.querySelectorAll('button') ?? [])];
  }
}
