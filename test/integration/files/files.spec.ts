/** Both adapters of the port for files, by one suite. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { diskFiles } from "../../../broker/files/disk-files.ts";
import { s3Files } from "../../../broker/files/s3-files.ts";
import { filesConformance } from "../../support/files/files-conformance.ts";
import { type S3Emulator, startS3 } from "../../support/files/s3-emulator.ts";

describe("files on disk", () => {
  const folder = mkdtempSync(join(tmpdir(), "souk-files-"));
  after(() => rmSync(folder, { recursive: true, force: true }));
  filesConformance(() => diskFiles(folder));
});

describe("files in a bucket", () => {
  const keys = { region: "eu-test-1", accessKey: "KEY", secretKey: "a secret of the tests" };
  let store: S3Emulator;
  before(async () => {
    store = await startS3(keys.accessKey, keys.secretKey);
  });
  after(() => store.stop());
  filesConformance(() => s3Files({ url: store.url, ...keys }));

  it("are not kept with a wrong secret", async () => {
    const files = s3Files({ url: store.url, ...keys, secretKey: "another one" });
    await assert.rejects(files.put("e/1", Buffer.from("x")), /403/);
    await assert.rejects(files.get("e/1"), /403/);
  });
});
