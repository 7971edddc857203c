import assert from "node:assert/strict";
import { errorCode } from "../../../broker/contract/errors.ts";
import { newId } from "../../../broker/contract/ids.ts";
import { pauseAfter } from "../../../services/notifications/notification/retry-schedule.ts";
import { makeToken, readToken } from "../../../services/notifications/preferences/unsubscribe-tokens.ts";
import { firstIdAt } from "../../../services/notifications/retention.ts";

const isInvalid = (error: unknown): boolean => errorCode(error) === "INVALID_TOKEN";

describe("A notification", () => {
  it("is tried again with growing pauses, for about three days", () => {
    const pauses = Array.from({ length: 10 }, (_, it) => pauseAfter(it + 1) ?? 0);
    assert.deepEqual(
      pauses,
      pauses.toSorted((a, b) => a - b),
    );
    const total = pauses.reduce((sum, it) => sum + it, 0) / 86_400_000;
    assert.ok(total > 2.5 && total < 3.5, String(total));
    assert.equal(pauseAfter(11), undefined);
  });

  it("is forgotten by the time in its id", () => {
    assert.ok(firstIdAt(Date.now() - 60_000) < newId());
    assert.ok(firstIdAt(Date.now() + 60_000) > newId());
  });

  it("has a link that ends its kind, which nobody can make or change", () => {
    const user = newId();
    const token = makeToken("key", user, "welcome");
    assert.deepEqual(readToken("key", token), [user, "welcome"]);
    const [content = "", signature = ""] = token.split(".");
    const other = Buffer.from(`${newId()} welcome`).toString("base64url");
    for (const forged of [`${other}.${signature}`, `${content}.`, content, "", ".", `${token}x`])
      assert.throws(() => readToken("key", forged), isInvalid, forged);
    assert.throws(() => readToken("another key", token), isInvalid);
  });
});
