import type { Migration } from "../../../../broker/mongo/migrations.ts";

const PURPOSES = ["reset", "verify", "change_email", "invitation"];

/** Indexes for the tokens of mails. That of the former password resets goes: they were good for half an hour. */
const migration: Migration = {
  async up(db) {
    const accounts = db.collection("accounts");
    await accounts.createIndexes(
      PURPOSES.map((it) => ({ name: `mail_${it}`, key: { [`mail.${it}.tokens`]: 1 }, sparse: true })),
    );
    await accounts.dropIndex("reset_token");
  },
  async down(db) {
    const accounts = db.collection("accounts");
    await accounts.createIndex({ "resets.tokenHash": 1 }, { name: "reset_token", sparse: true });
    for (const it of PURPOSES) await accounts.dropIndex(`mail_${it}`);
  },
};

export default migration;
