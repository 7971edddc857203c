/** Follows `GET /events` of a shop, over lost connections. */
import { setTimeout as sleep } from "node:timers/promises";

export interface FollowOptions {
  /** Where the shop is, without `/api/v1`. */
  readonly url: string;
  readonly token: string;
  readonly types: string | undefined;
  readonly signal: AbortSignal;
  /** Goes on after this event, as far as the shop has kept the next ones. */
  readonly lastId?: string | undefined;
  /** The stream is open, for the first time or again. */
  onOpen(): void;
  /** It is lost, and is opened again. */
  onLost(reason: string): void;
  /** The next event is read after it. */
  onEvent(event: unknown, id: string): Promise<void>;
}

/** The shop has refused it: another try would get the same answer. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
}

const PAUSE_MS = 1_000;

/** Ends when `signal` fires. @throws {RefusedError} for a token or a filter that is not good */
export async function followEvents(options: FollowOptions): Promise<void> {
  let { lastId } = options;
  while (!options.signal.aborted) {
    try {
      const body = await open(options, lastId);
      options.onOpen();
      for await (const { id, data } of eventsIn(body)) {
        await options.onEvent((JSON.parse(data) as { event: unknown }).event, id);
        lastId = id;
      }
      options.onLost("the shop has ended the stream");
    } catch (error) {
      if (error instanceof RefusedError) throw error;
      if (options.signal.aborted) return;
      options.onLost(error instanceof Error ? error.message : String(error));
    }
    await sleep(PAUSE_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
}

async function open(
  { url, token, types, signal }: FollowOptions,
  lastId: string | undefined,
): Promise<AsyncIterable<Uint8Array>> {
  const address = new URL("/api/v1/events", url);
  if (types !== undefined) address.searchParams.set("types", types);
  const response = await fetch(address, {
    headers: {
      accept: "text/event-stream",
      authorization: `Bearer ${token}`,
      ...(lastId !== undefined && { "last-event-id": lastId }),
    },
    signal,
  });
  if (response.ok && response.body) return response.body;
  const answer = `the shop answers ${response.status}: ${(await response.text()).slice(0, 500)}`;
  throw response.status < 500 && response.status !== 429 ? new RefusedError(answer) : new Error(answer);
}

/** Longer ones are no events of a shop. */
const MAX_LENGTH = 4 * 1_024 * 1_024;

/** The server-sent events of a body that have data and an id. */
export async function* eventsIn(
  body: AsyncIterable<Uint8Array>,
): AsyncGenerator<{ id: string; data: string }> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of body) {
    rest += decoder.decode(chunk, { stream: true });
    const blocks = rest.split("\n\n");
    rest = blocks.pop() ?? "";
    if (rest.length > MAX_LENGTH) throw new Error("the stream sends no server-sent events");
    for (const block of blocks) {
      const id = fieldsOf(block, "id").at(-1);
      const data = fieldsOf(block, "data").join("\n");
      if (id !== undefined && data !== "") yield { id, data };
    }
  }
}

const fieldsOf = (block: string, name: string): string[] =>
  block
    .split("\n")
    .filter((it) => it.startsWith(`${name}:`))
    .map((it) => it.slice(name.length + 1).trimStart());
