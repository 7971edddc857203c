/** A shop in memory with all limits wide, its people, and things for requests to find. */

import {
  decide,
  deliveryOf,
  order,
  PASSWORD,
  type Person,
  paidOrder,
  payPage,
  putInCart,
  signIn,
  signUp,
} from "../../souk/testing/people.ts";
import { type Shop, startShop } from "../../souk/testing/start-shop.ts";
import { createWorld } from "../e2e/support/access.ts";
import { Harvest } from "./known.ts";
import type { Speaker } from "./requests.ts";

export interface FuzzedShop {
  url: string;
  known: Harvest;
  speakers(): Promise<readonly Speaker[]>;
  stop(): Promise<void>;
}

export async function startFuzzedShop(): Promise<FuzzedShop> {
  const shop = await startShop({
    env: {
      RATE_LIMIT: "off",
      MAX_IN_FLIGHT: "100000",
      MAX_STREAMS: "100000",
      MAX_STREAMS_PER_CALLER: "100000",
      MAX_STREAMS_PER_ADDRESS: "100000",
      MAX_OPEN_ORDERS: "1000",
      MAX_OPEN_QUANTITY: "1000000",
    },
  });
  const world = await createWorld(shop);
  const { owner, staff, admin, article } = world;
  const known = new Harvest();
  known.add("sku", article.sku);
  known.add("provider", "sandbox");
  known.add("currency", "USD");
  for (const name of ["password", "currentPassword", "newPassword"]) known.add(name, PASSWORD);
  for (const { email } of [owner, staff, admin]) known.add("email", email);
  known.gather("products", { id: article.productId });
  known.gather("categories", { id: article.categoryId });
  await paidOrder(owner, article.sku);
  const waiting = await order(owner, article.sku);
  const page = payPage(waiting);
  await decide(owner.http, page, { outcome: "succeed" });
  known.gather("deliveries", await deliveryOf(staff, waiting.id));
  await gatherFrom(known, owner, staff);
  await putInCart(owner, article.sku);
  const people = new Map<string, Person>([
    ["customer", owner],
    ["staff", staff],
    ["admin", admin],
  ]);
  return {
    url: shop.url,
    known,
    async speakers() {
      for (const [name, person] of people) people.set(name, await renewed(shop, name, person));
      const signedIn = [...people].map(([name, { accessToken }]) => ({ name, accessToken }));
      return [{ name: "guest" }, ...signedIn];
    },
    stop: () => shop.stop(),
  };
}

async function gatherFrom(known: Harvest, owner: Person, staff: Person): Promise<void> {
  for (const [segment, path, who] of [
    ["orders", "/orders", owner],
    ["payments", "/payments", staff],
    ["products", "/products", owner],
    ["sessions", "/users/me/sessions", owner],
  ] as const)
    known.gather(segment, (await who.http.request("GET", path)).body);
}

/** Fuzzing may have ended a known session or changed a password. Then a new person is used. */
async function renewed(shop: Shop, name: string, person: Person): Promise<Person> {
  const { status, body } = await person.http.request<{ email: string }>("GET", "/users/me");
  if (status === 200) return { ...person, email: body.email };
  try {
    return await signIn(shop.http, person.email);
  } catch {
    const { id, email } = await signUp(shop.http);
    const accounts = shop.node.runtime.database("users").collection<{ _id: string }>("accounts");
    const roles = name === "customer" ? ["customer"] : ["customer", name];
    await accounts.updateOne({ _id: id }, { $set: { roles } });
    return signIn(shop.http, email);
  }
}
