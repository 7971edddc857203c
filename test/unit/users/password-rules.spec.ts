import assert from "node:assert/strict";
import "../../../services/users/users.contract.ts";
import { errorCode, type SoukError } from "../../../broker/contract/errors.ts";
import { checkPasswordRules } from "../../../services/users/credentials/password-rules.ts";

const about = { email: "ann.smith@example.com", name: "Ann Smith", shop: "Brass & Co" };
const verdict = (password: string, who = about) =>
  checkPasswordRules(password, who).then(
    () => "taken",
    (error) => errorCode(error),
  );

describe("a new password", () => {
  it("is refused when it is one of the commonest, however it is written", async () => {
    for (const it of [
      "password1",
      "PassWord1",
      "12345678",
      "qwertyuiop",
      "iloveyou",
      "ＰＡＳＳＷＯＲＤ１",
      "baseball",
    ])
      assert.equal(await verdict(it), "WEAK_PASSWORD", it);
  });

  it("is refused when it is the account's or the shop's name with little added", async () => {
    for (const it of [
      "ann.smith@example.com",
      "AnnSmith1",
      "ann-smith",
      "smith12345",
      "12345678ann",
      "brass&co!!2026",
      "souk123456",
    ])
      assert.equal(await verdict(it), "WEAK_PASSWORD", it);
  });

  it("is taken when it is none of these", async () => {
    for (const it of [
      "a-long-passphrase",
      "another-long-passphrase",
      "correct horse battery staple",
      "correct horse",
    ])
      assert.equal(await verdict(it), "taken", it);
    assert.equal(await verdict("48151623-4211", { email: "1@example.com", name: "7", shop: "9" }), "taken");
  });

  it("is told which field it is in", async () => {
    const error = await checkPasswordRules("password1", about).catch((it: SoukError) => it);
    const { errors } = (error as SoukError).data as { errors: { field: string }[] };
    assert.deepEqual(
      errors.map((it) => it.field),
      ["password"],
    );
  });
});
