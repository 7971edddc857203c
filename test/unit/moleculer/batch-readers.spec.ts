import assert from "node:assert/strict";
import type { ServiceBroker } from "moleculer";
import { brokerOptions } from "../../../broker/moleculer/broker-options.ts";
import { loadConfig } from "../../../broker/moleculer/config.ts";
import { BatchReaders, READS_BATCHES } from "../../../broker/moleculer/transport/batch-readers.ts";
import { standIn } from "../../support/stand-in.ts";

const present = { metadata: READS_BATCHES };
const former = { metadata: {} };

describe("Whether all nodes read batches of messages", () => {
  let now: number;
  let nodes: { metadata: object | null }[];
  let connected: boolean;
  let readers: BatchReaders;

  beforeEach(() => {
    now = 0;
    nodes = [present];
    connected = true;
    readers = new BatchReaders(60_000, () => now);
    readers.watch(
      standIn<ServiceBroker>({
        registry: { nodes: { toArray: () => nodes } },
        transit: {
          get connected() {
            return connected;
          },
        },
      }),
    );
  });

  /** Asked each second, as by messages. */
  const elapsed = (seconds: number): boolean => {
    let answer = false;
    for (let n = 0; n < seconds; n++) {
      now += 1_000;
      answer = readers.all();
    }
    return answer;
  };

  it("is announced by every node", () => {
    assert.deepEqual(brokerOptions(loadConfig({})).metadata, READS_BATCHES);
  });

  it("is known a minute after the start, and with every further node that says so", () => {
    assert.equal(readers.all(), false);
    assert.equal(elapsed(59), false);
    assert.equal(elapsed(2), true);
    nodes.push(present);
    assert.equal(elapsed(1), true);
  });

  it("is not so from the moment that another kind of node is known, until a minute after the last one is gone", () => {
    assert.equal(elapsed(62), true);
    nodes.push(former);
    assert.equal(elapsed(1), false);
    assert.equal(elapsed(300), false);
    nodes = [present];
    assert.equal(elapsed(59), false);
    assert.equal(elapsed(3), true);
  });

  it("is not so with a node that has not told anything yet", () => {
    nodes.push({ metadata: null });
    assert.equal(elapsed(120), false);
  });

  it("is not known while this node hears nothing of the others", () => {
    assert.equal(elapsed(62), true);
    connected = false;
    assert.equal(elapsed(1), false);
    connected = true;
    assert.equal(elapsed(59), false);
    assert.equal(elapsed(3), true);
  });

  it("is not known without a broker", () => {
    const alone = new BatchReaders(0, () => now);
    assert.equal(alone.all(), false);
  });
});
