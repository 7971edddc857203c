/**
 * Code that reads clients' input takes linear time. Each parser gets long texts that provoke backtracking. Twice the
 * text must not take much more than twice the time.
 */
import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { validationFailure } from "../../../broker/contract/check-request.ts";
import { createTokenVerifier } from "../../../broker/http/access/access-token.ts";
import { addressKey } from "../../../broker/http/limits/address.ts";
import { clientAddress } from "../../../broker/http/limits/client-address.ts";
import { bodyKind, parseJson } from "../../../broker/http/request/body.ts";
import { isNotModified } from "../../../broker/http/request/conditional.ts";
import { decodePath, mergeParams, parseQuery, refuseQuery } from "../../../broker/http/request/params.ts";
import {
  accepts,
  bearerToken,
  cartIdOf,
  idempotencyKeyOf,
  ifMatchOf,
  preferredWait,
  requestIdOf,
  traceOf,
} from "../../../broker/http/request/request-headers.ts";
import { originCheck } from "../../../broker/http/response-headers.ts";
import { Router } from "../../../broker/http/router.ts";
import { makeCursor, readCursor, TIME_AND_ID, UUID } from "../../../broker/mongo/page-cursor.ts";
import { systemClock } from "../../../broker/resilience/clock.ts";
import core from "../../../services/index.ts";
import { mpesaOptions } from "../../../services/payments/providers/mpesa/phone.ts";
import { KEY_SHAPES } from "../../../services/products/search/sort-keys.ts";
import { normalizeText, words } from "../../../services/products/text/normalize-text.ts";
import { eachTerm, queryTerms, searchText, wordKey } from "../../../services/products/text/search-tokens.ts";
import { slugOf } from "../../../services/products/text/slug.ts";
import { loadAnalyzer } from "../../../services/products/text/stemmer.ts";
import { ofEachProvider } from "../../support/providers/provider-traits.ts";
import { stringSchemas } from "../../support/schemas/string-schemas.ts";
import { standIn } from "../../support/stand-in.ts";
import { growth, MOST, type Work } from "./support/growth.ts";
import { type HostileText, hostileTexts } from "./support/hostile-texts.ts";
import type { WebhookVerifier } from "./support/webhook-verifier.ts";

const english = await loadAnalyzer("en");
const verifiers = await ofEachProvider<{ verifier: WebhookVerifier }>("webhook-verifier.ts");

/** @returns texts that take more than linear time */
async function slow(run: Work, texts: readonly HostileText[]): Promise<string[]> {
  const found: string[] = [];
  for (const { name, make } of texts) {
    const times = await growth(run, make);
    if (times > MOST) found.push(`${name}: ${times.toFixed(1)} times longer at twice the size`);
  }
  return found;
}

const isLinear = async (run: Work, ...frames: [before: string, after: string][]) =>
  assert.deepEqual(await slow(run, hostileTexts(...frames)), []);

const request = (headers: Record<string, string>) =>
  standIn<IncomingMessage>({ headers, socket: { remoteAddress: "192.0.2.1" } });

const router = new Router<string>();
for (const path of ["/a/:x/b", "/a/b/:y", "/:x/:y/:z", "/a/b/c/d"]) router.add("GET", path, path);
const verifier = createTokenVerifier(async () => ({ keys: [] }), systemClock);

/** What a header is made into, with beginnings and ends that fit it. */
const HEADERS: Record<string, [run: Work, ...frames: [string, string][]]> = {
  traceparent: [traceOf, ["00-", "-01"]],
  "X-Request-Id": [(it) => requestIdOf(it, "x")],
  Prefer: [preferredWait, ["wait=", ""], [",wait =", "x"]],
  "If-Match": [ifMatchOf, ['"', ""], ['W/"', '"']],
  "If-None-Match": [(it) => isNotModified(it, '"1"'), ['W/"', '",']],
  "Idempotency-Key": [idempotencyKeyOf, ['"', ""], ['"', '"']],
  Accept: [(it) => accepts(it, "application/json"), ["application/json;", ";q=0"]],
  Authorization: [(authorization) => bearerToken({ authorization }), ["Bearer ", " "], ["Bearer a", "!"]],
  "X-Forwarded-For": [
    (it) => addressKey(clientAddress(request({ "x-forwarded-for": it }), 2)),
    ["[", "]:1, 10.0.0.1"],
    ["1.", ":80, 10.0.0.1"],
  ],
  "X-Cart-Id": [cartIdOf],
  Origin: [originCheck("https://shop.test, https://other.test/")],
  "Content-Type": [
    (it) => bodyKind(it, true),
    ["application/json;charset=", ""],
    ["application/json", ";"],
    ["application/x-www-form-urlencoded;", "x"],
  ],
};

const json = (text: string) => parseJson(Buffer.from(text));

describe("In linear time", function () {
  this.timeout(60_000);

  for (const [name, [run, ...frames]] of Object.entries(HEADERS))
    it(`is read: ${name}`, () => isLinear(run, ...frames));

  it("is read: a body of JSON", () =>
    isLinear(
      json,
      ['{"a":1,"a":2,"', '":3}'],
      ['{"a":1,"a":"', '"}'],
      ['{"a":1,"a":2', "}"],
      ['{"', '":1}'],
    ));

  it("is read: a body of JSON with many members, deep and broad, some of them twice", async () => {
    const members = (name: (i: number) => string, value: string) => (n: number) =>
      `{${Array.from({ length: n / 8 }, (_, i) => `${JSON.stringify(name(i))}:${value}`).join()},"a":1,"a":2}`;
    const texts: HostileText[] = [
      { name: "names", make: members((i) => `n${i}`, "1") },
      { name: "numbers as names", make: members((i) => String(i * 65_536), "1") },
      { name: "blanks as names", make: members((i) => " ".repeat(i % 50), "{}") },
      { name: "one name again and again", make: members(() => "b", "1") },
      { name: "objects", make: members((i) => `n${i}`, '{"b":{"c":{"d":[{}]}}}') },
      { name: "depth", make: (n) => `${'{"a":'.repeat(n)}1${"}".repeat(n)}` },
      { name: "lists", make: (n) => `{"a":${"[".repeat(n)}${"]".repeat(n)}}` },
    ];
    assert.deepEqual(await slow(json, texts), []);
  });

  it("is read: a query string, or a form", () =>
    isLinear((it) => {
      const query = parseQuery(it);
      mergeParams({ id: "1" }, query);
      refuseQuery(query, {});
    }));

  it("is read: a path and its parameters", async () => {
    await isLinear((it) => router.find(it)?.route("GET"), ["/a/", "/b"], ["/", ""]);
    await isLinear((it) => decodePath({ id: it }), ["", "%"]);
  });

  it("is read: an access token", async () => {
    const part = (it: object) => Buffer.from(JSON.stringify(it)).toString("base64url");
    const header = part({ alg: "ES256", typ: "at+jwt", kid: "x" });
    await isLinear((it) => verifier.verify(it), [`${header}.`, ".x"], [`${header}.${part({})}.`, ""]);
  });

  it("is read: a cursor", async () => {
    await isLinear((it) => readCursor(it, "query"));
    for (const shape of [UUID, TIME_AND_ID, ...Object.values(KEY_SHAPES)])
      await isLinear((it) => readCursor(makeCursor(it, "list"), "list", shape));
  });

  it("is read: what is searched for, and what is found by it", async () => {
    await isLinear((it) => [queryTerms(it, english), wordKey(it)]);
    await isLinear((it) => {
      const text = searchText({ name: it, description: it, labels: [it] });
      return eachTerm(text, [it], english, (_, term) => term);
    });
    await isLinear((it) => [normalizeText(it), words(it), slugOf(it, "x")]);
  });

  it("is read: a phone number", () =>
    isLinear((phone) => mpesaOptions.safeParse({ phone }), ["+254 7", "x"]));

  const actions = core.contracts.flatMap((it) => Object.values(it.actions));
  const schemas = stringSchemas(actions.filter((it) => it.rest).map((it) => it.params));
  it(`is read: each of the ${schemas.length} kinds of text that a contract takes`, async function () {
    this.timeout(120_000);
    assert.ok(schemas.length > 20);
    const slowOnes: string[] = [];
    for (const schema of schemas) {
      const found = await slow(
        (it) => schema.safeParse(it),
        hostileTexts(["a", "@example.com"], ["http://", "/"]),
      );
      if (found.length > 0)
        slowOnes.push(`${JSON.stringify(schema.toJSONSchema({ io: "input" }))}: ${found}`);
    }
    assert.deepEqual(slowOnes, []);
  });

  it("are told: the fields that do not fit", async () => {
    const { params } = actions.find((it) => it.rest === "POST /products") ?? assert.fail();
    const refusal = (body: object) => {
      const { error } = params.safeParse(body);
      return error && validationFailure(error);
    };
    await isLinear((it) => refusal({ [it]: 1, name: it, variants: [{ options: { [it]: it } }] }));
    const many = (n: number) => Array.from({ length: n / 4 }, (_, i) => `k${i}`);
    const texts = [{ name: "many", make: (n: number) => JSON.stringify(many(n)) }];
    const fill = (names: string[]) => Object.fromEntries(names.map((it) => [it, "\u0000"]));
    const wrong = (text: string) => {
      const names: string[] = JSON.parse(text);
      return refusal({ ...fill(names), categoryIds: names, variants: [{ sku: "A", options: fill(names) }] });
    };
    assert.deepEqual(await slow(wrong, texts), []);
  });

  for (const [name, { verifier: verify }] of verifiers)
    it(`is read: a webhook of ${name}, its signature and its body`, async () => {
      await isLinear((it) => verify.ofSignature(it), ["t=1,v1=", ","], ["2026-01-01T00:00:0", "Z"]);
      await isLinear((it) => verify.ofBody(it), ['{"id":"', '"}'], ['{"a":', "}"]);
      await isLinear((it) => verify.ofContent(it), ["https://x/", ""]);
    });
});

describe("What is no linear time", function () {
  this.timeout(120_000);

  it("is found: the regular expressions by which bodies were read once", async () => {
    const MEMBER = /"[^"\\]*(?:\\.[^"\\]*)*"\s*(:?)/g;
    const written = (text: string) =>
      [...text.matchAll(MEMBER)].map(([member]) => JSON.parse(member.replace(/\s*:$/, "")));
    const blanks = { name: "blanks", make: (n: number) => `{"a":1,"a":2,"${" ".repeat(n)}":3}` };
    assert.equal((await slow(written, [blanks])).length, 1);
    assert.deepEqual(await slow(json, [blanks]), []);
  });

  it("is found: sorting marks, backtracking, looking through all for each", async () => {
    for (const [run, pump] of [
      [(it: string) => it.normalize("NFC"), "\u0301\u0323"],
      [(it: string) => /\s+$/.test(it), " "],
      [(it: string) => Array.from(it).filter((_, i, all) => all.indexOf("b") === i), "a"],
      [(it: string) => /a*a*b/.test(it), "a"],
    ] as const) {
      const text = { name: pump, make: (n: number) => `${pump.repeat(n / pump.length)}!` };
      assert.equal((await slow(run, [text])).length, 1, String(run));
    }
  });
});
