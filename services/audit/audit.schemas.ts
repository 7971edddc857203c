/** What staff see of the log. */
import { z } from "zod";
import { time } from "../../broker/contract/schemas.ts";

const name = (description: string, example: string) => z.string().meta({ description, examples: [example] });

const ORDER = "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21";
const MESSAGE = "01941b2e-6a10-7c3f-8e52-1d9a4b7c6f03";
const CAUSE = "01941b2e-5c01-7f42-8d17-20b9c4d6a853";

/** What an entry says of its message, without the message's data. */
const about = {
  id: name("Id of the message", MESSAGE),
  type: z.string().meta({ description: "What it says", examples: ["order.paid"] }),
  source: name("The sending service", "/orders"),
  subject: name("Id of what it is about", ORDER),
  sender: name("The sending actor", `order/${ORDER}`).nullable(),
  sequence: z
    .int()
    .nullable()
    .meta({ description: "Counts up per sender", examples: [9] }),
  correlationId: name("The same for all that one request has caused", CAUSE).nullable(),
  causationId: name("Id of the message that it follows from", CAUSE).nullable(),
  time: time.meta({ description: "When it was decided" }),
  recordedAt: time.meta({ description: "When the log got it" }),
  applied: z.boolean().meta({
    description: "An actor has applied it and nobody has sent it: the message of a request, or a timer",
    examples: [false],
  }),
};
const aboutExample = {
  id: MESSAGE,
  type: "order.paid",
  source: "/orders",
  subject: ORDER,
  sender: `order/${ORDER}`,
  sequence: 9,
  correlationId: CAUSE,
  causationId: CAUSE,
  time: "2026-11-27T09:31:10.000Z",
  recordedAt: "2026-11-27T09:31:10.012Z",
  applied: false,
};

export const auditEntry = z
  .strictObject({
    ...about,
    entry: name("The day, and the number of the entry in its chain", "2026-11-27/1234"),
    data: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: "Of the message; null where it was a person's and is erased" }),
    erased: z.boolean().meta({ description: "Its data was a person's and is erased", examples: [false] }),
  })
  .meta({
    id: "AuditEntry",
    description: "A message in the log",
    examples: [
      {
        ...aboutExample,
        entry: "2026-11-27/1234",
        data: { number: "261127-7K2QF-M9DXA" },
        erased: false,
      },
    ],
  });

export const timelineEntry = z
  .strictObject({
    ...about,
    depth: z
      .int()
      .min(0)
      .meta({
        description: "How deep it stands in the tree; below the last one before it with one less",
        examples: [2],
      }),
    causeMissing: z
      .boolean()
      .meta({ description: "It names a cause that the log does not have", examples: [false] }),
    missingBefore: z
      .int()
      .min(0)
      .meta({
        description: "How many messages of its sender before it the log does not have",
        examples: [0],
      }),
  })
  .meta({
    id: "TimelineEntry",
    description: "A message of an order, at its place in the tree of causes",
    examples: [{ ...aboutExample, depth: 2, causeMissing: false, missingBefore: 0 }],
  });

export type AuditEntry = z.input<typeof auditEntry>;
export type TimelineEntry = z.input<typeof timelineEntry>;
