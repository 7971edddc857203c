/** What has happened to an order: its messages as a tree, in pages. */
import type { z } from "zod";
import { SoukError } from "../../../broker/contract/errors.ts";
import { makeCursor, readCursor } from "../../../broker/mongo/page-cursor.ts";
import type { audit } from "../audit.contract.ts";
import type { Blocks } from "../log/blocks.ts";
import { aboutEntry } from "../reading/about-entry.ts";
import { isOfOneOrder, messagesOfOrder } from "./order-messages.ts";
import { treeOf } from "./tree.ts";

type Params = z.output<typeof audit.actions.timeline.params>;
type Timeline = z.input<typeof audit.actions.timeline.returns>;

export async function orderTimeline(blocks: Blocks, { id, cursor, limit }: Params): Promise<Timeline> {
  const { entries, cut } = await messagesOfOrder(blocks, id);
  if (entries.length === 0) throw new SoukError("NOT_FOUND", "The log has no messages of this order.");
  const tree = treeOf(entries, isOfOneOrder);
  const list = `timeline ${id}`;
  const from = cursor === undefined ? 0 : Number(readCursor(cursor, list, /^\d{1,4}$/));
  const to = from + limit;
  return {
    items: tree.slice(from, to).map(({ entry, ...place }) => ({ ...aboutEntry(entry), ...place })),
    nextCursor: to < tree.length ? makeCursor(String(to), list) : null,
    cut,
  };
}
