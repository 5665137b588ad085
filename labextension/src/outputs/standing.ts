/** How a job stands, as far as the card's page has to ask: its kernel draws the card anew every second while it runs. */
import { RequestError } from '../api/api';
import type { Client } from '../api/client';

/** A card that was not drawn anew for so long has lost its kernel, or its page was loaded anew; milliseconds. */
export const STALE_MS = 6_000;

export class Standing {
  /** whether a click on Cancel can do something */
  canCancel = false;
  isCancelling = false;
  /** what the card can't say by itself, or nothing */
  note = '';
  /** the note answers a click: it stays when the card is drawn anew */
  private isAnswer = false;
  private isAsked = false;

  constructor(
    readonly jobId: string,
    private readonly client: Pick<Client, 'job' | 'cancel'>,
    private readonly changed: () => void
  ) {}

  /** Ask the server when the card is drawn first; later its kernel is there. */
  async begin(): Promise<void> {
    if (!this.isAsked) {
      this.isAsked = true;
      await this.look(false);
    }
  }

  /** The kernel has drawn the card: what was said without it holds no longer. */
  isDrawn(): void {
    if (this.note && !this.isAnswer) {
      this.tell({ note: '' });
    }
  }

  /** Ask the server how the job stands; `isStale` where its kernel does not say it any more. */
  async look(isStale: boolean): Promise<void> {
    const again = `%flash attach ${this.jobId} brings what it prints and binds`;
    try {
      const job = await this.client.job(this.jobId);
      if (!job.is_open) {
        this.tell({ canCancel: false, isCancelling: false, note: `the job is over by now (${job.state}); ${again}` });
      } else {
        const note = isStale ? `this card stands still, the job goes on; ${again}` : '';
        this.tell({ canCancel: true, note: this.isAnswer ? this.note : note });
      }
    } catch (error) {
      // a server without us, or of another machine: the card says what else there is
      this.isAsked = (error as RequestError).kind !== 'offline';
      this.tell({ canCancel: false });
    }
  }

  async cancel(): Promise<void> {
    this.tell({ isCancelling: true, note: '' });
    try {
      const { text, is_confirmed } = await this.client.cancel(this.jobId);
      this.isAnswer = true;
      this.tell({ canCancel: !is_confirmed, isCancelling: false, note: text });
    } catch (error) {
      const { message, fix } = error as RequestError;
      this.isAnswer = true;
      this.tell({ isCancelling: false, note: `it is not cancelled: ${message}; ${fix || 'interrupt the kernel'}` });
    }
  }

  private tell(changes: Partial<Pick<Standing, 'canCancel' | 'isCancelling' | 'note'>>): void {
    Object.assign(this, changes);
    this.changed();
  }
}
