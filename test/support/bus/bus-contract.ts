/** A contract made up for tests of the bus; loading this file enters it in the process's registry. */
import { z } from "zod";
import { command, defineContract, event, reply, timer } from "../../../broker/contract/contract.ts";
import type { Envelope } from "../../../broker/contract/envelope.ts";
import { newId } from "../../../broker/contract/ids.ts";

export const PARTITIONS = 4;

export const busContract = defineContract({
  service: "bustest",
  actions: {},
  messages: {
    "bustest.poke": command(
      "counter",
      "Counts.",
      z.strictObject({ n: z.int(), pad: z.string().optional(), mode: z.enum(["once"]).optional() }),
    ),
    "bustest.work": command(
      "job",
      "Asks the worker.",
      z.strictObject({ n: z.int().meta({ "x-formerly": "count" }) }),
      { formerly: ["bustest.toil"] },
    ),
    "bustest.done": reply("counter", "Nobody receives it.", z.strictObject({ n: z.int() })),
    "bustest.heard": event("counter", "An actor and a worker listen.", z.strictObject({ n: z.int() })),
    "bustest.unheard": event("counter", "Nobody listens.", z.strictObject({ n: z.int() })),
    "bustest.alarm": timer("counter", "A counter's message to itself.", z.strictObject({})),
  },
  actors: { bustestcounter: { receives: ["bustest.poke", "bustest.heard"], partitions: PARTITIONS } },
  workers: { jobs: { receives: ["bustest.work"] }, ears: { receives: ["bustest.heard"] } },
});

/** Its tap gets a copy of every message, or of events where the variable TAP says so. */
export const tapContract = defineContract({
  service: "bustap",
  actions: {},
  messages: {},
  taps: { log: { receives: ({ TAP }) => (TAP === "events" ? "events" : "all") } },
});

export const mailbox = {
  actor: "bustestcounter",
  partitions: PARTITIONS,
  receives: busContract.actors.bustestcounter.receives,
};
export const jobs = { service: "bustest", worker: "jobs", receives: busContract.workers.jobs.receives };
export const ears = { service: "bustest", worker: "ears", receives: busContract.workers.ears.receives };

/** An envelope without validation, so that tests can send invalid ones. */
export const testMessage = (
  type: string,
  subject: string,
  data: unknown,
  id: string = newId(),
): Envelope => ({
  specversion: "1.0",
  id,
  source: "/bustest",
  type,
  subject,
  time: new Date().toISOString(),
  datacontenttype: "application/json",
  data,
});
