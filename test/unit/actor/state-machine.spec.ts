import assert from "node:assert/strict";
import { defineActor } from "../../../broker/actor/define-actor.ts";
import { defineMachine } from "../../../broker/actor/state-machine.ts";
import { envelope } from "../../../broker/contract/envelope.ts";
import { illTyped } from "../../support/stand-in.ts";
import { toy, toyOrder, toyStock } from "./support/toy.ts";

type Door = { status: "open" | "shut" };
type Moves = "toy.cancel" | "toy.captured";

const door = (leadsTo: Door["status"]) =>
  defineMachine<Door, Moves>({
    name: "door",
    final: [],
    table: {
      none: {
        "toy.cancel": { to: ["shut"], decide: () => ({ state: { status: "shut" } }) },
        "toy.captured": { ignore: "there is no door" },
      },
      open: {
        "toy.cancel": { to: ["shut"], decide: () => ({ state: { status: leadsTo } }) },
        "toy.captured": { ignore: "it is open" },
      },
      shut: {
        "toy.cancel": { to: ["shut"], decide: (state) => ({ state }) },
        "toy.captured": { to: ["open"], decide: () => ({ state: { status: "open" } }) },
      },
    },
  });

const message = (type: Moves) => envelope(type, "d", {}, { source: "/toy", at: 0 });

describe("A state machine", () => {
  it("goes where its rows say, from nothing on", () => {
    const machine = door("shut");
    const born = machine.receive(null, message("toy.cancel"));
    assert.deepEqual(born.state, { status: "shut" });
    assert.deepEqual(machine.receive(born.state, message("toy.captured")).state, { status: "open" });
  });

  it("refuses a decision that leads to a status its row does not name", () => {
    assert.throws(
      () => door("open").receive({ status: "open" }, message("toy.cancel")),
      /toy\.cancel led from open to open, not in its row/,
    );
  });

  it("keeps the same state where a message is ignored", () => {
    const state: Door = { status: "open" };
    assert.equal(door("shut").receive(state, message("toy.captured")).state, state);
    assert.equal(door("shut").receive(null, message("toy.captured")).state, null);
  });

  it("refuses a message that it has no row for", () => {
    assert.throws(
      () => door("shut").receive(null, illTyped({ ...message("toy.cancel"), type: "toy.other" })),
      /no row for toy\.other in none/,
    );
  });
});

describe("An actor's definition", () => {
  it("is refused when a type is idempotent by key but not received", () => {
    const { state, receive } = toyStock;
    assert.throws(
      // @ts-expect-error stock does not receive it
      () => defineActor(toy, "toystock", { state, receive, idempotentByKey: ["toy.reserved"] }),
      /toystock: toy\.reserved is not received/,
    );
    assert.throws(
      // @ts-expect-error stock does not receive it
      () => defineActor(toy, "toystock", { state, receive, startedBy: ["toy.place"] }),
      /toystock: toy\.place is not received/,
    );
  });

  it("is refused when the contract has no such actor", () => {
    const { state, receive } = toyStock;
    // @ts-expect-error no such actor
    assert.throws(() => defineActor(toy, "toystok", { state, receive }), /toy has no actor toystok/);
  });

  it("has what the contract says of it", () => {
    const { type, service, mailbox, receives, partitions, idempotentByKey } = toyOrder;
    const { receives: bound } = toy.actors.toyorder;
    assert.deepEqual(
      { type, service, mailbox, partitions },
      { type: "toyorder", service: "toy", mailbox: bound, partitions: 4 },
    );
    assert.deepEqual(receives, [...bound, "toy.place", "toy.cancel", "toy.expire"]);
    assert.deepEqual(idempotentByKey, []);
    const { state, receive } = toyOrder;
    assert.deepEqual(
      defineActor(toy, "toyorder", { state, receive, idempotentByKey: "all" }).idempotentByKey,
      receives,
    );
  });
});
