/** Looks again and again while somebody can see it, and less often after errors. */
import { Poll } from '@lumino/polling';

import type { SidebarModel } from './model';

/** Times in milliseconds: while the sidebar is open, and while only the status bar is. */
export interface Intervals {
  open: number;
  closed: number;
}

/** Between two looks after many errors, in milliseconds. */
const SLOWEST = 120_000;

export class Polling {
  private readonly poll: Poll;
  private isOpen = false;

  constructor(
    private readonly model: SidebarModel,
    private times: Intervals,
    isPageHidden: () => boolean = () => document.hidden
  ) {
    this.poll = new Poll({
      name: 'flash-jupyter:sidebar',
      factory: () => this.model.refresh(this.isOpen),
      frequency: this.frequency(),
      standby: isPageHidden,
      auto: false
    });
  }

  start(): void {
    void this.poll.start();
  }

  /** Say whether the sidebar is seen; looks at once when it is opened. */
  setOpen(isOpen: boolean): void {
    if (isOpen === this.isOpen) {
      return;
    }
    this.isOpen = isOpen;
    this.poll.frequency = this.frequency();
    if (isOpen) {
      this.lookNow();
    }
  }

  setIntervals(times: Intervals): void {
    this.times = times;
    this.poll.frequency = this.frequency();
  }

  /** Look now, whatever the interval is. */
  lookNow(): void {
    void this.poll.refresh();
  }

  dispose(): void {
    // disposing alone leaves its timer
    void this.poll.stop().finally(() => {
      this.poll.dispose();
    });
  }

  private frequency(): { interval: number; backoff: number; max: number } {
    const interval = this.isOpen ? this.times.open : this.times.closed;
    return { interval, backoff: 2, max: Math.max(SLOWEST, interval) };
  }
}
