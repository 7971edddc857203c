/** How copies of messages for taps look on RabbitMQ: envelopes in JSON, and a mark on those that nobody has sent. */
import { z } from "zod";
import { type Envelope, envelopeSchema } from "../../contract/envelope.ts";
import { tolerant } from "../../contract/tolerant.ts";
import { toError } from "../../resilience/retry.ts";
import type { Tapped } from "../bus.ts";
import type { Part } from "./batches.ts";

/** Not in the envelope's schema, because nobody but taps ever gets it. */
const MARK = "applied";

const copySchema = tolerant(envelopeSchema.extend({ [MARK]: z.literal(true).optional() }));

/** The copy of a message that an actor has applied and that nobody has sent. */
export const copyFor = (message: Envelope): string => JSON.stringify({ ...message, [MARK]: true });

/** The message and its mark, or why it is none. */
export function readCopy(part: Part): Tapped | Error {
  try {
    const { applied = false, ...message } = copySchema.parse(part.value());
    return { message, applied };
  } catch (error) {
    return toError(error);
  }
}
