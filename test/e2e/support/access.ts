/** Callers of routes, and what each of them gets: the rows of the access matrix are made from this. */
import { newId } from "../../../broker/contract/ids.ts";
import type { HttpClient } from "../../../souk/testing/http-client.ts";
import {
  type Article,
  firstAdmin,
  hireStaff,
  order,
  type Person,
  paidOrder,
  putInCart,
  putOnSale,
  signUp,
} from "../../../souk/testing/people.ts";
import type { Shop } from "../../../souk/testing/start-shop.ts";

/** `owner` is the customer whose thing it is, `other` another customer. */
export const callers = ["guest", "owner", "other", "staff", "admin"] as const;
export type Caller = (typeof callers)[number];

export interface World {
  readonly shop: Shop;
  readonly owner: Person;
  readonly other: Person;
  readonly staff: Person;
  readonly admin: Person;
  /** On sale, with more stock than any test takes. */
  readonly article: Article;
  /** Client of a caller. */
  as(caller: Caller): HttpClient;
}

export async function createWorld(shop: Shop): Promise<World> {
  const admin = await firstAdmin(shop.http);
  const staff = await hireStaff(shop);
  const owner = await signUp(shop.http, "Owen");
  const other = await signUp(shop.http, "Otto");
  const article = await putOnSale(admin, { onHand: 100_000 });
  const people = { owner, other, staff, admin };
  return {
    shop,
    ...people,
    article,
    as: (caller) => (caller === "guest" ? shop.http : people[caller].http),
  };
}

export interface ApiRequest {
  /** Below /api/v1, without a query. */
  path: string;
  query?: Readonly<Record<string, string>>;
  body?: Readonly<Record<string, unknown>>;
  /** Instead of a body, on a route that takes one. */
  file?: { readonly type: string; readonly bytes: Uint8Array<ArrayBuffer> };
  headers?: Readonly<Record<string, string>>;
}

export interface Row {
  /** Status for each caller. */
  expect: Readonly<Record<Caller, number>>;
  /** What an API key with the scope gets, where that is not what staff get. */
  key?: number;
  /** A request that the caller may send once; what it is about is the owner's, or is made for it. */
  ask(world: World, caller: Caller): ApiRequest | Promise<ApiRequest>;
  /** What must be true of the body of a success. */
  check?(body: unknown, world: World, caller: Caller): void;
}

/**
 * By the action's name. `test/access-rows.ts` in a service's folder exports its own. They repeat what the contract
 * declares, so that a route is not opened to others by one wrong word.
 */
export type Rows = Readonly<Record<string, Row>>;

export const everyone = (status: number): Row["expect"] => ({
  guest: status,
  owner: status,
  other: status,
  staff: status,
  admin: status,
});
export const signedIn = (status: number): Row["expect"] => ({ ...everyone(status), guest: 401 });
export const ownerAndStaff = (status: number): Row["expect"] => ({ ...signedIn(status), other: 404 });
export const ownerAlone = (status: number): Row["expect"] => ({
  ...everyone(404),
  guest: 401,
  owner: status,
});
export const staffOnly = (status: number): Row["expect"] => ({ ...signedIn(status), owner: 403, other: 403 });

/** What requests are about: the owner's orders, and a cart of the caller. */
export const unpaid = ({ owner, article }: World) => order(owner, article.sku);
export const paid = ({ owner, article }: World) => paidOrder(owner, article.sku);
export const idempotencyKey = () => ({ "idempotency-key": newId() });
/** A guest's cart with something in it, or the signed-in caller's own. */
export const filledCart = async (
  world: World,
  caller: Caller,
): Promise<{ headers?: Record<string, string> }> => {
  const cart = await putInCart({ http: world.as(caller) }, world.article.sku);
  return caller === "guest" ? { headers: { "x-cart-id": cart.id } } : {};
};
