/** What is bought together with a product, as products that customers see. */
import { type Model, trusted } from "mongoose";
import type { Returned } from "../../../broker/contract/contract.ts";
import { SoukError } from "../../../broker/contract/errors.ts";
import type { TypedCall } from "../../../broker/moleculer/handlers.ts";
import type { Counter } from "../models/counter.model.ts";

type Product = Returned<"products.get">;

/** More than are shown: some may not be published any more. */
const CANDIDATES = 40;

export interface RelatedTools {
  counters: Model<Counter>;
  call: TypedCall;
  generation(): Promise<number>;
}

/** Bought together most often first, then others of its category. @throws {SoukError} NOT_FOUND */
export async function readRelated(
  { counters, call, generation }: RelatedTools,
  idOrSlug: string,
  limit: number,
): Promise<Product[]> {
  const product = await call("products.get", { id: idOrSlug });
  if (!product.published) throw new SoukError("NOT_FOUND");
  const pairs = await counters
    .find({
      generation: await generation(),
      kind: "pair",
      productId: product.id,
      together: trusted({ $gt: 0 }),
    })
    .sort({ together: -1 })
    .limit(CANDIDATES)
    .lean<Counter[]>();
  const ids = pairs.flatMap((it) => it.other ?? []);
  const found = new Map<string, Product>();
  for (let at = 0; at < ids.length && found.size < limit; at += limit)
    for (const it of await Promise.all(ids.slice(at, at + limit).map((id) => visible(call, id))))
      if (it && found.size < limit) found.set(it.id, it);
  const [category] = product.categoryIds;
  if (found.size < limit && category !== undefined) {
    const others = await call("products.list", { category, limit: Math.min(100, limit + found.size + 1) });
    for (const it of others.items) if (it.id !== product.id && found.size < limit) found.set(it.id, it);
  }
  return [...found.values()];
}

async function visible(call: TypedCall, id: string): Promise<Product | undefined> {
  try {
    const found = await call("products.get", { id });
    return found.published ? found : undefined;
  } catch (error) {
    if (error instanceof Error && "type" in error && error.type === "NOT_FOUND") return undefined;
    throw error;
  }
}
