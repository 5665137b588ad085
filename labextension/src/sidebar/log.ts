/** A log that is followed: its text so far, and whether more comes. */
import { type ISignal, Signal } from '@lumino/signaling';

import { RequestError } from '../api/api';
import type { LogEvent } from '../api/documents';

export type LogPhase = 'connecting' | 'live' | 'over' | 'failed';

/** What is kept of a long log, in characters: its end. */
export const KEPT = 500_000;

export class LogModel {
  text = '';
  phase: LogPhase = 'connecting';
  /** how it ended, or why it failed */
  note = '';
  private abort = new AbortController();
  private lastWorker: string | null = null;
  private readonly signal = new Signal<this, void>(this);

  constructor(
    readonly title: string,
    private readonly open: (signal: AbortSignal) => AsyncGenerator<LogEvent>
  ) {}

  get changed(): ISignal<this, void> {
    return this.signal;
  }

  /** Follow from the beginning, until the log ends or `stop` is called. */
  async follow(): Promise<void> {
    this.stop();
    const abort = (this.abort = new AbortController());
    this.text = '';
    this.lastWorker = null;
    this.tell('connecting', '');
    try {
      for await (const event of this.open(abort.signal)) {
        if (abort.signal.aborted) {
          return;
        }
        this.take(event);
      }
      if (!this.isOver) {
        this.tell('failed', 'the connection ended');
      }
    } catch (error) {
      if (!abort.signal.aborted) {
        this.tell('failed', error instanceof RequestError ? `${error.message}; ${error.fix}` : 'the connection ended');
      }
    }
  }

  stop(): void {
    this.abort.abort();
  }

  private get isOver(): boolean {
    return this.phase === 'over' || this.phase === 'failed';
  }

  private take(event: LogEvent): void {
    if (event.event === 'log') {
      const { worker_id: worker, text } = event.data;
      this.text = (this.text + this.heading(worker) + text).slice(-KEPT);
      this.tell('live', '');
    } else if (event.event === 'end') {
      const { state, error } = event.data;
      this.tell('over', error ? `${state.toLowerCase()}: ${error}` : state.toLowerCase().replace(/_/g, ' '));
    } else {
      this.tell('failed', event.data.message);
    }
  }

  /** Say which worker speaks, where it is another one than before. */
  private heading(worker: string): string {
    if (!worker || worker === this.lastWorker) {
      return '';
    }
    this.lastWorker = worker;
    return `${this.text && !this.text.endsWith('\n') ? '\n' : ''}── worker ${worker} ──\n`;
  }

  private tell(phase: LogPhase, note: string): void {
    this.phase = phase;
    this.note = note;
    this.signal.emit();
  }
}
