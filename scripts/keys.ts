/** `npm run souk -- keys list|rotate`: the keys that sign access tokens. */

import { systemClock } from "../broker/resilience/clock.ts";
import { signingKeyModel } from "../services/users/models/signing-key.model.ts";
import { rotateSigningKey } from "../services/users/sessions/signing-keys.ts";
import { commandOf, subcommand } from "./support/command.ts";
import { jobConfigOrExit, runJob } from "./support/job.ts";
import { openDatabase } from "./support/open-database.ts";
import { jobShopOrExit } from "./support/the-shop.ts";

const shop = await jobShopOrExit();
type Keys = ReturnType<typeof signingKeyModel.bind>;

async function run(work: (keys: Keys) => Promise<string[]>): Promise<void> {
  const config = jobConfigOrExit(shop);
  await runJob(config, async () => {
    const { database, close } = await openDatabase(config, "keys");
    try {
      console.log((await work(signingKeyModel.bind(database.service("users")))).join("\n"));
    } finally {
      await close();
    }
  });
}

const list = async (keys: Keys) => {
  const found = await keys.find({}, { privateKey: 0 }).sort({ activeFrom: 1 }).lean();
  if (found.length === 0) return ["there is no key yet: the first start makes one"];
  return found.map(
    ({ _id, kid, activeFrom, expiresAt }) =>
      `${_id}  ${kid}  signs from ${activeFrom.toISOString()}${expiresAt ? `, verifies until ${expiresAt.toISOString()}` : ""}`,
  );
};

const rotate = async (keys: Keys) => {
  const from = await rotateSigningKey(keys, systemClock);
  return [
    `a new key signs from ${from.toISOString()} on; the old one verifies until its last token has expired`,
  ];
};

await commandOf("keys", "Shows and replaces the keys that sign access tokens.", [
  subcommand("list", "shows the keys, their names in the JWKS, and their times").action(() => run(list)),
  subcommand("rotate", "makes a new key, which signs in an hour; nobody is signed out").action(() =>
    run(rotate),
  ),
]).parseAsync();
