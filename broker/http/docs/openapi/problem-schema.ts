/** The problem document, which every failure is. */
import { z } from "zod";

const fieldError = z
  .object({
    field: z.string().meta({ description: "Its path, or the name of a header", examples: ["quantity"] }),
    message: z.string().meta({ examples: ["must be at least 1"] }),
  })
  .meta({ id: "FieldError", description: "A field of a request that does not fit, and why" });

/** Open: single codes have members of their own. */
export const problemSchema = (codes: readonly string[]) =>
  z
    .looseObject({
      type: z.string().meta({ format: "uri-reference", description: "Leads to what the code means" }),
      title: z.string().meta({ description: "What the code means, in a sentence" }),
      status: z.int().min(400).max(599).meta({ description: "The reply's own" }),
      detail: z.string().meta({ description: "What is wrong with this request" }),
      code: z.enum(codes).meta({ id: "ErrorCode", description: "Stable: what programs decide by" }),
      traceId: z
        .string()
        .regex(/^[0-9a-f]{32}$/)
        .meta({ description: "Finds the request in the logs" }),
      instance: z.string().meta({ format: "uri-reference", description: "Path of the request" }),
      errors: z.array(fieldError).optional().meta({ description: "Where fields do not fit: which, and why" }),
    })
    .meta({ id: "Problem", description: "A failure, as RFC 9457 has it. Single codes have more members." });
