/** Known contents of a shop, gathered from its answers, so that later requests name existing things. */
import type { SeededRandom } from "../support/seeded-random.ts";
import type { Known } from "./values.ts";

const MOST = 200;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Fields that name what stands in another list. */
const SEGMENTS: Readonly<Record<string, string>> = {
  addressId: "addresses",
  categoryIds: "categories",
  parentId: "categories",
  paymentId: "payments",
  category: "slug",
};

export class Harvest implements Known {
  readonly #pools = new Map<string, string[]>();

  add(name: string, value: string): void {
    const pool = this.#pools.get(name) ?? [];
    this.#pools.set(name, pool);
    if (pool.includes(value)) return;
    // The oldest are dropped, because they may be deleted by now.
    if (pool.length >= MOST) pool.shift();
    pool.push(value);
  }

  /** @param segment of the path that it is an answer of: `products` */
  gather(segment: string, value: unknown, depth = 0): void {
    if (typeof value !== "object" || value === null || depth > 8) return;
    for (const [name, inner] of Object.entries(value)) {
      if (typeof inner === "object") this.gather(segment, inner, depth + 1);
      if (typeof inner !== "string" || inner === "") continue;
      if (UUID.test(inner)) {
        this.add("uuid", inner);
        if (name === "id") this.add(segment, inner);
      }
      if (["sku", "slug", "nextCursor", "refreshToken", "email", "number", "refundId"].includes(name))
        this.add(name === "nextCursor" ? "cursor" : name, inner);
      const ref = name === "url" ? inner.split("/sandbox/pay/")[1] : undefined;
      if (ref) this.add("ref", ref);
    }
  }

  pick(random: SeededRandom, name: string): string | undefined {
    const pool =
      this.#pools.get(SEGMENTS[name] ?? name) ?? (name.endsWith("Id") ? this.#pools.get("uuid") : undefined);
    return pool && pool.length > 0 ? random.pick(pool) : undefined;
  }

  /** An id for `{id}` in a path: mostly of what the path is about. */
  id(random: SeededRandom, path: string): string | undefined {
    const segment = path.split("/{")[0]?.split("/").at(-1) ?? "";
    return (random.chance(0.8) ? this.pick(random, segment) : undefined) ?? this.pick(random, "uuid");
  }
}
