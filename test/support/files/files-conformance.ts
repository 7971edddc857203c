/** What every adapter of the port for files must do. */
import assert from "node:assert/strict";
import type { Files } from "../../../broker/files/files.ts";

/** Registers the tests in the calling `describe`. */
export function filesConformance(files: () => Files): void {
  const names = (prefix: string) => Array.fromAsync(files().list(prefix)).then((it) => it.sort());

  it("gives back what was put, replaced where it was put again, byte by byte", async () => {
    const bytes = Buffer.from(Array.from({ length: 70_000 }, (_, n) => n % 256));
    await files().put("a/1", bytes);
    assert.deepEqual(await files().get("a/1"), bytes);
    await files().put("a/1", Buffer.from("new"), "text/plain");
    assert.equal(String(await files().get("a/1")), "new");
  });

  it("knows nothing of what was never put or was removed, and removes it again", async () => {
    assert.equal(await files().get("b/none"), undefined);
    await files().put("b/1", Buffer.from("x"));
    await files().remove("b/1");
    await files().remove("b/1");
    assert.equal(await files().get("b/1"), undefined);
  });

  it("lists what is below a prefix, and nothing else", async () => {
    for (const name of ["c/1/0", "c/1/1", "c/2/0", "cc/1"]) await files().put(name, Buffer.from(name));
    assert.deepEqual(await names("c/"), ["c/1/0", "c/1/1", "c/2/0"]);
    assert.deepEqual(await names("c/1/"), ["c/1/0", "c/1/1"]);
    assert.deepEqual(await names("d/"), []);
  });

  it("takes no name that leads elsewhere", async () => {
    for (const name of ["../a", "a/../../b", "/a", "a//b", "A", "a b", "", "a/", ".a", "a\0"]) {
      await assert.rejects(files().put(name, Buffer.from("x")), /name of a file/);
      await assert.rejects(files().get(name), /name of a file/);
    }
  });
}
