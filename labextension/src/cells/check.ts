/** Asks the server what `flash build` says of a cell, some moments after the last change. */
import type { Api } from '../api/api';

export interface CellText {
  readonly source: string;
  readonly tags: readonly string[];
  readonly options: unknown;
}

export interface Problem {
  readonly message: string;
  readonly fix: string;
}

export type Ask = (cell: CellText) => Promise<readonly Problem[]>;
type Show = (problems: readonly Problem[]) => void;

/** Return what asks the server of a cell. */
export function askOf(api: Api): Ask {
  return async cell => (await api.ask<{ problems: Problem[] }>('POST', 'cells/check', cell)).problems;
}

/** Between the last key and the question, in milliseconds. */
export const PAUSE_MS = 300;

/** One cell at a time: an answer about what has changed meanwhile is not shown. */
export class Checker {
  private latest = 0;
  private asked = '';
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly ask: Ask,
    private readonly show: Show,
    private readonly pauseMs = PAUSE_MS
  ) {}

  /** Ask about a cell, unless nothing has changed since; null where there is none. */
  look(cell: CellText | null): void {
    const text = JSON.stringify(cell);
    if (text === this.asked) {
      return;
    }
    this.asked = text;
    const turn = ++this.latest;
    clearTimeout(this.timer);
    if (cell === null) {
      this.show([]);
      return;
    }
    this.timer = setTimeout(() => void this.answer(cell, turn), this.pauseMs);
  }

  /** Forget what is under way. */
  dispose(): void {
    this.latest++;
    clearTimeout(this.timer);
  }

  private async answer(cell: CellText, turn: number): Promise<void> {
    const problems = await this.ask(cell).catch(unanswered);
    if (turn === this.latest) {
      this.show(problems);
    }
  }
}

function unanswered(error: unknown): Problem[] {
  const said = error instanceof Error ? error.message : String(error);
  return [{ message: `The cell could not be checked: ${said}`, fix: 'flash build checks it again' }];
}
