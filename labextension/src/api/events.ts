/** Server-sent events, read from the body of an answer. */
import type { LogEvent } from './documents';

/** Read the events of a stream as they come; what a connection cuts off is dropped. */
export async function* readEvents(body: ReadableStream<Uint8Array>): AsyncGenerator<LogEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) {
        return;
      }
      const blocks = (rest + decoder.decode(value, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      yield* blocks.map(parseEvent).filter(event => event !== null);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

/** Read one event; null for a comment, which says only that the stream is alive. */
function parseEvent(block: string): LogEvent | null {
  let event = '';
  let data = '';
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) {
      event = line.slice('event: '.length);
    } else if (line.startsWith('data: ')) {
      data += line.slice('data: '.length);
    }
  }
  return event && data ? ({ event, data: JSON.parse(data) as unknown } as LogEvent) : null;
}
