/** Files are read the same wherever a step begins, and whatever is refused is refused at its line. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { csvLine } from "../../../services/imports/exports/csv.ts";
import type { Position } from "../../../services/imports/imports.schemas.ts";
import type { KeptFile } from "../../../services/imports/reading/kept-file.ts";
import { readRecords } from "../../../services/imports/reading/read-records.ts";
import type { FileRecord } from "../../../services/imports/reading/records.ts";
import { RefusedFileError } from "../../../services/imports/reading/refused-file.ts";

const START: Position = { byte: 0, line: 0 };

/** A file whose parts have so many bytes. */
const fileOf = (bytes: Buffer, size = 7): KeptFile => ({
  async *from(byte) {
    for (let at = byte; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
  },
});

async function read(file: KeptFile, format: "csv" | "jsonl", from = START): Promise<FileRecord[]> {
  return Array.fromAsync(readRecords(file, format, from));
}

const cell = fc
  .string({ unit: fc.constantFrom(...'a,"\n\ré緑👩 ') })
  .map((it) => it.replaceAll("\r", "\r\n"));

describe("files of imports", () => {
  it("are read the same from every record on", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(cell, { minLength: 2, maxLength: 3 }), { minLength: 1, maxLength: 5 }),
        fc.boolean(),
        async (rows, bom) => {
          const text = rows.map((row) => csvLine(row.map((it) => `x${it}`))).join("");
          const file = fileOf(Buffer.from((bom ? "\ufeff" : "") + text));
          const all = await read(file, "csv");
          assert.deepEqual(
            all.map((it) => it.cells),
            rows.map((row) => row.map((it) => `x${it}`)),
          );
          for (const [at, { end }] of all.entries())
            assert.deepEqual(await read(file, "csv", end), all.slice(at + 1));
        },
      ),
      { numRuns: 60 },
    );
  });

  it("have lines that count the newlines in quotes", async () => {
    const records = await read(fileOf(Buffer.from('a,b\r\n"1\n2",3\n\n4,5')), "csv");
    assert.deepEqual(
      records.map(({ line }) => line),
      [1, 2, 5],
    );
    const lines = await read(fileOf(Buffer.from('{"a":1}\n\n{"b":2}')), "jsonl");
    assert.deepEqual(
      lines.map(({ line, end }) => [line, end.byte]),
      [
        [1, 8],
        [3, 16],
      ],
    );
  });

  it("are refused at the line where they are not UTF-8, wherever a part ends", async () => {
    const bytes = Buffer.from("a,b\r\né,緑\r\nx,");
    for (let size = 1; size < 9; size++) {
      assert.equal((await read(fileOf(bytes, size), "csv")).length, 3);
      for (const wrong of [[0xe9, 0x0a], [0xff], [0xc3], [0xed, 0xa0, 0x80], [0]])
        await assert.rejects(
          read(fileOf(Buffer.concat([bytes, Buffer.from(wrong)]), size), "csv"),
          (error) => error instanceof RefusedFileError && error.line === 3,
        );
    }
  });

  it("are refused where a line has no end", async () => {
    async function* endless() {
      for (let n = 0; n < 2_000; n++) yield Buffer.alloc(64 * 1024, n === 0 ? "x" : ",");
      throw new Error("it was read to its end");
    }
    for (const format of ["csv", "jsonl"] as const)
      await assert.rejects(read({ from: endless }, format), RefusedFileError);
  });
});
