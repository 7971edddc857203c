/** Prepares the shop before any fault: an admin, signed-in customers, and goods, some of them scarce. */

import type { SeededRandom } from "../../support/seeded-random.ts";
import type { Answer, RetryingClient } from "./retrying-client.ts";

export interface Person {
  email: string;
  /** Signs a request; kept up to date by {@link signIn}. */
  headers: Record<string, string>;
}

export interface Goods {
  /** Never run out. */
  plenty: readonly string[];
  /** Wanted by more than can have them. */
  scarce: readonly string[];
  none: string;
  /** Costs nothing. */
  free: string;
  /** For probes only. */
  probe: string;
  /** Units at the start, by SKU. */
  initial: ReadonlyMap<string, number>;
}

interface Session {
  accessToken: string;
}

const PASSWORD = "correct-horse-battery";
const MANY = 100_000;
const PRICE = { amount: 1_250, currency: "USD" };

/** @throws Error with the answer where it is not of this status */
function must<T>(answer: Answer<T> | null, status: number): T {
  if (answer?.status !== status)
    throw new Error(
      `expected ${status}, got ${answer ? `${answer.status} ${JSON.stringify(answer.body)}` : "no answer"}`,
    );
  return answer.body;
}

const bearer = ({ accessToken }: Session) => ({ authorization: `Bearer ${accessToken}` });

export async function makeAdmin(client: RetryingClient, token: string): Promise<Person> {
  const email = "admin@chaos.example";
  const body = { token, email, password: PASSWORD, name: "Admin" };
  const session = must(await client.send<Session>("POST", "/auth/bootstrap", { body }), 201);
  return { email, headers: bearer(session) };
}

export async function registerCustomers(
  client: RetryingClient,
  name: string,
  count: number,
): Promise<Person[]> {
  const people: Person[] = [];
  // A few at a time: each registration is a deliberate 70 ms of argon2.
  for (let from = 0; from < count; from += 4)
    people.push(
      ...(await Promise.all(
        Array.from({ length: Math.min(4, count - from) }, async (_, n) => {
          const email = `${name}-${from + n}@chaos.example`;
          const body = { email, password: PASSWORD, name };
          const session = must(await client.send<Session>("POST", "/auth/register", { body }), 201);
          return { email, headers: bearer(session) };
        }),
      )),
    );
  return people;
}

/** Signs a person in again whose token has run out. @returns false where the shop did not answer in time */
export async function signIn(client: RetryingClient, person: Person): Promise<boolean> {
  const body = { email: person.email, password: PASSWORD };
  const answer = await client.send<Session>("POST", "/auth/login", { body });
  if (!answer) return false;
  person.headers = bearer(must(answer, 200));
  return true;
}

/** @param scarceUnits what there is of each scarce SKU */
export async function stockGoods(
  client: RetryingClient,
  admin: Person,
  random: SeededRandom,
  scarceUnits: number,
): Promise<Goods> {
  const skus = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name}-${n + 1}`);
  const [plenty, scarce] = [skus("PLENTY", 10), skus("SCARCE", 4)];
  const [none, free, probe] = ["NONE-1", "FREE-1", "PROBE-1"];
  const initial = new Map([
    ...[...plenty, free, probe].map((sku) => [sku, MANY] as const),
    ...scarce.map((sku) => [sku, random.between(scarceUnits, scarceUnits * 2)] as const),
    [none, 0] as const,
  ]);
  const { headers } = admin;
  const variants = [...initial.keys()].map((sku, n) => ({
    sku,
    price: { ...PRICE, amount: sku === free ? 0 : PRICE.amount + n },
    options: { Kind: sku },
  }));
  must(
    await client.send("POST", "/products", { headers, body: { name: "Goods under fire", variants } }),
    201,
  );
  for (const [sku, onHand] of initial)
    must(await client.send("POST", "/inventory", { headers, body: { sku, onHand } }), 201);
  return { plenty, scarce, none, free, probe, initial };
}
