import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { contractBreaks } from "../../../scripts/support/contracts/compare.ts";
import { released } from "../../../scripts/support/contracts/released-changelog.ts";
import {
  contractSnapshot,
  type Snapshot,
  snapshotText,
} from "../../../scripts/support/contracts/snapshot.ts";

const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), "utf8");

interface Accepted {
  change: string;
  reason: string;
}

describe("The contracts", () => {
  let accepted: Accepted[];
  let breaks: string[];
  let unreleased: string;

  before(async () => {
    accepted = JSON.parse(await read("docs/accepted-changes.json"));
    const last = JSON.parse(await read("docs/contracts.json")) as Snapshot;
    breaks = contractBreaks(last, await contractSnapshot());
    unreleased = (await read("CHANGELOG.md")).split("## [Unreleased]")[1]?.split("\n## ")[0] ?? "";
  });

  it("break nothing of the last release but what docs/accepted-changes.json accepts", () => {
    const known = new Set(accepted.map((it) => it.change));
    assert.deepEqual(
      breaks.filter((it) => !known.has(it)),
      [],
      "make it compatible (add an optional field, a new message, a new route), or accept it with its reason",
    );
  });

  it("have no accepted change that is none, or that has no reason", () => {
    assert.deepEqual(
      accepted.filter((it) => !breaks.includes(it.change)).map((it) => it.change),
      [],
    );
    for (const { change, reason } of accepted) assert.ok(reason.length >= 10, change);
  });

  it("have their accepted changes named in the changelog", () => {
    for (const { change } of accepted) {
      const [, name = ""] = change.replace(/:.*/, "").split(" ");
      assert.ok(unreleased.includes(`\`${name}\``), `CHANGELOG.md does not name \`${name}\` as unreleased`);
    }
  });

  it("are the same as themselves, also when they have been written and read", async () => {
    const now = await contractSnapshot();
    assert.deepEqual(JSON.parse(snapshotText(now)), JSON.parse(JSON.stringify(now)));
    assert.deepEqual(contractBreaks(now, JSON.parse(snapshotText(now))), []);
  });
});

describe("A release", () => {
  const changelog =
    "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- A door.\n\n## [1.0.0] - 2026-01-01\n\n- A house.\n";

  it("makes a section of what is unreleased", () => {
    assert.equal(
      released(changelog, "1.1.0", "2026-02-02"),
      "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - 2026-02-02\n\n### Added\n\n- A door.\n\n## [1.0.0] - 2026-01-01\n\n- A house.\n",
    );
  });

  it("needs something to release, under a new version", () => {
    assert.throws(() => released(changelog, "1.0.0", "2026-02-02"), /already/);
    const again = released(changelog, "1.1.0", "2026-02-02");
    assert.throws(() => released(again, "1.2.0", "2026-02-02"), /nothing unreleased/);
  });
});
