/** The log of every message, and what is asked of it. */
import { defineService } from "../../broker/moleculer/define-service.ts";
import { mongo } from "../../mixins/mongo.ts";
import { taps } from "../../mixins/taps.ts";
import { audit } from "./audit.contract.ts";
import { Appender } from "./log/append-messages.ts";
import { Blocks } from "./log/blocks.ts";
import { readMessages } from "./log/read-messages.ts";
import { PersonKeys } from "./personal/keys.ts";

export default defineService(audit, {
  mixins: [mongo(), taps()],

  setup({ database, clock }) {
    const log = { blocks: new Blocks(database), keys: new PersonKeys(database, clock) };
    return { log, appender: new Appender({ ...log, clock }) };
  },

  actions: {
    read({ params }) {
      return readMessages(this.log, params);
    },
  },

  taps: {
    log(batch) {
      return this.appender.append(batch);
    },
  },
});
