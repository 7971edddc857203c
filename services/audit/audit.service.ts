/** The log of every message, and what is asked of it. */
import { defineService } from "../../broker/moleculer/define-service.ts";
import { Loop } from "../../broker/resilience/loop.ts";
import { mongo } from "../../mixins/mongo.ts";
import { taps } from "../../mixins/taps.ts";
import { audit } from "./audit.contract.ts";
import { Appender } from "./log/append-messages.ts";
import { Blocks } from "./log/blocks.ts";
import { dropOldDays } from "./log/kept-days.ts";
import { PersonKeys } from "./personal/keys.ts";
import { listEntries } from "./reading/list-entries.ts";
import { readMessages } from "./reading/read-messages.ts";
import { orderTimeline } from "./timeline/order-timeline.ts";

/** Between two looks for days that are too old. */
const LOOK_EVERY_MS = 3_600_000;

export default defineService(audit, {
  mixins: [mongo(), taps()],

  setup({ config, database, clock, logger }) {
    const log = { blocks: new Blocks(database), keys: new PersonKeys(database, clock) };
    const retention = new Loop(
      LOOK_EVERY_MS,
      async () => {
        const dropped = await dropOldDays(log.blocks, { database, clock, keptMs: config.AUDIT_KEPT });
        if (dropped.length > 0) logger.info(`dropped ${dropped.join(", ")} from the log`);
      },
      (error) => logger.warn("old days could not be dropped, will try again", { error: error.message }),
    );
    return { log, retention, appender: new Appender({ ...log, clock }) };
  },

  started() {
    this.retention.start();
  },

  stopped() {
    return this.retention.stop();
  },

  actions: {
    read({ params }) {
      return readMessages(this.log, params);
    },

    list({ params }) {
      return listEntries(this.log, params);
    },

    timeline({ params }) {
      return orderTimeline(this.log.blocks, params);
    },
  },

  taps: {
    log(batch) {
      return this.appender.append(batch);
    },
  },
});
