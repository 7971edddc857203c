/** Products or stock of a JSONL file: an object in each line. */
import type { z } from "zod";
import { IN_SENTENCES } from "../../../broker/contract/sentences.ts";
import type { FileRecord } from "../reading/records.ts";
import { errorsOf, type Row } from "./row.ts";

export async function* jsonRows<T>(
  records: AsyncIterable<FileRecord>,
  schema: z.ZodType<T>,
): AsyncGenerator<Row<T>> {
  for await (const { line, end, text = "" } of records) {
    const placeOf = (field: string) => ({ line, column: null, field: field === "" ? null : field });
    const parsed = parsedOr(text);
    if (parsed === undefined) {
      const errors = [{ line, column: null, field: null, message: "is not well-formed JSON" }];
      yield { line, end, value: undefined, errors, placeOf };
      continue;
    }
    const checked = schema.safeParse(parsed.value, IN_SENTENCES);
    const errors = checked.success ? [] : errorsOf(checked.error.issues, placeOf);
    yield { line, end, value: checked.data, errors, placeOf };
  }
}

function parsedOr(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
