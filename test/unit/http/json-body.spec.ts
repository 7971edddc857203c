import assert from "node:assert/strict";
import fc from "fast-check";
import { errorCode, type FieldError, type SoukError } from "../../../broker/contract/errors.ts";
import { parseJson } from "../../../broker/http/request/body.ts";

const parse = (text: string) => parseJson(Buffer.from(text));
const FORBIDDEN = new Set(["__proto__", "constructor", "prototype"]);

describe("a JSON body", () => {
  it("is what any JSON parser makes of it, whatever is in its names and strings", () => {
    const trees = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4, withCrossShrink: true },
        fc.string({ unit: "binary" }),
        fc.constantFrom('"', "\\", '":', '\\":', ":", "a:b", '"a":1'),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.constant(null),
        fc.array(tie("value"), { maxLength: 3 }),
        tie("object"),
      ),
      object: fc.dictionary(
        fc.oneof(fc.string(), fc.constantFrom('"', '\\"', ":", "", "a")).filter((it) => !FORBIDDEN.has(it)),
        tie("value"),
        { maxKeys: 4 },
      ),
    }));
    fc.assert(
      fc.property(trees.object, fc.constantFrom(undefined, 1, "\t"), (tree, indent) => {
        const text = JSON.stringify(tree, null, indent);
        assert.deepEqual(parse(text), JSON.parse(text));
      }),
    );
  });

  it("has no halves of characters, in names or in values", () => {
    const halves: [text: string, field: string][] = [
      ['{"name":"a\\ud800b"}', "name"],
      ['{"a":{"b":["x","\\udc00"]}}', "a.b.1"],
      ['{"a":{"\\ud83d":1}}', "a.\ufffd"],
    ];
    for (const [text, name] of halves)
      assert.throws(
        () => parse(text),
        (error) => {
          assert.equal(errorCode(error), "VALIDATION_FAILED");
          const [first] = ((error as SoukError).data as { errors: FieldError[] }).errors;
          assert.equal(first?.field, name);
          return true;
        },
        text,
      );
    assert.deepEqual(parse('{"a":"\\ud83d\\ude00"}'), { a: "😀" });
  });

  it("gives no name twice, however deep it stands and however it is written", () => {
    const twice: [text: string, name: string][] = [
      ['{"quantity":1,"quantity":999}', "quantity"],
      ['{"a":1,"b":{"c":1 , "c" : 2}}', "c"],
      ['{"a":[{"b":1,"b":1}]}', "b"],
      ['{"role":1,"\\u0072ole":2}', "role"],
      ['{"":1,"":2}', ""],
      ['{"a":1,"b":{"a":1},"a":"\\"b\\":1"}', "a"],
    ];
    for (const [text, name] of twice)
      assert.throws(
        () => parse(text),
        (error) => {
          assert.equal(errorCode(error), "VALIDATION_FAILED");
          const [first] = ((error as SoukError).data as { errors: FieldError[] }).errors;
          return first?.field === name;
        },
        text,
      );
  });
});
