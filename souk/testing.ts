/** The package's `souk/testing`: tests of actors, the crash matrix, and a shop in memory with its people. */
export {
  ACTOR_ID,
  type Expected,
  given,
  type Outcome,
  type Situation,
} from "../broker/actor/testing/given.ts";
export { message, SENT_AT, type Step } from "../broker/actor/testing/steps.ts";
export { eventually } from "./testing/eventually.ts";
export { HttpClient, type Reply } from "./testing/http-client.ts";
export { type CrashMatrixOptions, crashMatrix } from "./testing/matrix/crash-matrix.ts";
export type { FinalState } from "./testing/matrix/final-state.ts";
export type { MatrixRun, World } from "./testing/matrix/matrix-run.ts";
export { movableClock } from "./testing/movable-clock.ts";
export * from "./testing/people.ts";
export { BOOTSTRAP_TOKEN, type Shop, startShop } from "./testing/start-shop.ts";
