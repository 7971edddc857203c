/** What a service may do with `this` and its contract; `tsc` fails when one of the expected errors below is none. */
import assert from "node:assert/strict";
import type { ServiceSchema } from "moleculer";
import { z } from "zod";
import { action, defineContract } from "../../../broker/contract/contract.ts";
import { defineService } from "../../../broker/moleculer/define-service.ts";
import { defineMixin, type Mixin } from "../../../broker/moleculer/mixin.ts";
import { actorHost } from "../../../mixins/actor-host.ts";
import { cache } from "../../../mixins/cache.ts";
import { idempotency } from "../../../mixins/idempotency.ts";
import { mongo } from "../../../mixins/mongo.ts";
import { notify } from "../../../mixins/notify.ts";
import { outbox } from "../../../mixins/outbox.ts";
import { workers } from "../../../mixins/workers.ts";
import { noteActor, noteModel, notes } from "../../integration/mixins/notes.ts";

const mixins = [
  mongo({ notes: noteModel }),
  actorHost({ note: noteActor }),
  idempotency(),
  workers(),
] as const;

const id = "01990000-0000-7000-8000-000000000000";
const written = { id, text: "", by: "" };
const done = { write: () => written, append: () => ({ times: 1 }), read: () => ({ text: "" }) };
const handled = { copy: async () => undefined, listen: async () => undefined };

describe("typed services", () => {
  it("have on `this` what their mixins, their setup and their methods add, and nothing else", () => {
    const schema = defineService(notes, {
      mixins: [...mixins, notify(), outbox(noteModel), cache(() => ({ pages: new Map<string, string>() }))],
      setup: ({ config, clock, models, actors, notify }) => ({
        port: config.PORT,
        tools: { clock, notes: models.notes, host: actors.note, notify },
      }),
      methods: {
        twice(n: number) {
          return n * 2 + this.port;
        },
        async told<T>(work: Promise<T>): Promise<T> {
          const result = await work;
          this.notify("told");
          return result;
        },
      },
      actions: {
        async write({ params: { text } }) {
          const { state, version } = await this.actors.note.apply(id, "note.write", { text });
          const port: number = this.twice(this.port) + version;
          this.tools.notify(`${port}`);
          this.notify(this.name);
          this.outbox.relay(id, [this.outbox.entry("note.written", id, { text })]);
          const { text: read } = await this.told(this.call("notes.read", { id }));
          // @ts-expect-error no mixin has such a model
          await this.models.articles.findOne();
          // @ts-expect-error the state has no such field
          state.title;
          // @ts-expect-error no such actor
          this.actors.order;
          // @ts-expect-error an actor takes its own messages only
          await this.actors.note.apply(id, "note.copied", { text, by: "" });
          // @ts-expect-error neither a mixin nor setup adds this
          this.printer;
          // @ts-expect-error a number
          this.twice("1");
          // @ts-expect-error what a mixin adds is there to stay
          this.outbox = this.outbox;
          // @ts-expect-error no such action
          await this.call("notes.reed", { id });
          return { id, text: read, by: this.tools.clock.now().toFixed() };
        },
        async append() {
          const found = await this.models.notes.findOne().lean();
          return { times: found?.version ?? this.port };
        },
        read: done.read,
      },
      workers: {
        async copy({ type, data }, { answer }) {
          const received: "note.written" = type;
          await answer("note.copied", id, { text: data.text, by: received });
          // @ts-expect-error an event of this type has no author
          data.by;
          // @ts-expect-error no such message
          await answer("note.copyed", id, { text: "", by: "" });
          this.notify(this.tools.notes.collection.name);
        },
        async listen({ data }) {
          this.notify(data.by);
        },
      },
      events: {
        "notes.notified"() {
          this.caches.pages.clear();
          // @ts-expect-error no such cache
          this.caches.rows;
        },
      },
      hooks: {
        before: {
          write() {
            this.invalidate();
            // @ts-expect-error neither a mixin nor setup adds this
            this.printer;
          },
        },
      },
      async started() {
        await this.tools.host.read(id);
        // @ts-expect-error neither a mixin nor setup adds this
        this.printer;
      },
    });
    assert.equal(schema.name, "notes");
  });

  it("do not see what another service's mixins add", () => {
    const schema = defineService(notes, {
      mixins,
      actions: {
        ...done,
        write() {
          // @ts-expect-error no notify mixin
          this.notify("x");
          // @ts-expect-error no outbox mixin
          this.outbox;
          return written;
        },
      },
      workers: handled,
    });
    assert.ok(schema.actions);
  });

  it("handle all that their contract declares, as it says", () => {
    const { read, ...less } = done;
    const { listen, ...fewer } = handled;
    const cases: Record<string, () => ServiceSchema> = {
      // @ts-expect-error an action has no handler
      "notes.read of actions is": () => defineService(notes, { mixins, actions: less, workers: handled }),
      // @ts-expect-error a worker has no handler
      "notes.listen of workers is": () => defineService(notes, { mixins, actions: done, workers: fewer }),
      // @ts-expect-error the workers have no handlers
      "notes.copy of workers is": () => defineService(notes, { mixins, actions: done }),
    };
    for (const [what, declare] of Object.entries(cases))
      assert.throws(declare, { message: `${what} declared but has no handler` });
    defineService(notes, {
      mixins,
      // @ts-expect-error the result has no text
      actions: { ...done, read: () => ({ txt: "" }) },
      workers: handled,
    });
    defineService(notes, {
      mixins,
      // @ts-expect-error an action that is not declared
      actions: { write: done.write, append: done.append, read, remove: () => undefined },
      workers: handled,
    });
    defineService(notes, {
      mixins,
      actions: done,
      // @ts-expect-error a worker that is not declared
      workers: { copy: handled.copy, listen, print: async () => undefined },
    });
    defineService(notes, {
      mixins,
      actions: done,
      // @ts-expect-error a worker gets the messages that it receives
      workers: { ...handled, copy: async (message: { type: "note.copied" }) => void message },
    });
    defineService(notes, {
      mixins,
      // @ts-expect-error a parameter that is not declared
      actions: { ...done, read: ({ params }: { params: { title: string } }) => ({ text: params.title }) },
      workers: handled,
    });
  });

  it("end at their declaration where a mixin is missing that keeps what their contract promises", () => {
    const [models, host, keys, consumers] = mixins;
    const declare = (without: Mixin) => () =>
      defineService(notes, {
        mixins: mixins.filter((it) => it !== without),
        actions: done,
        workers: handled,
      });
    const message = (what: string) => ({
      message: `notes declares ${what}, but none of its mixins covers that`,
    });
    assert.throws(declare(host), message("actor note"));
    assert.throws(declare(keys), message("idempotency"));
    assert.throws(declare(consumers), message("workers"));
    assert.ok(declare(models)());
  });

  it("take what can be cleared as a cache, and nothing else", () => {
    assert.ok(cache(() => ({ pages: new Map() })));
    // @ts-expect-error a number can't be cleared
    assert.ok(cache(() => ({ pages: 1 })));
  });

  it("may have mixins of their own", () => {
    const contract = defineContract({
      service: "mixed",
      actions: { count: action({ summary: "Counts", params: z.strictObject({}), returns: z.int() }) },
      messages: {},
    });
    const counter = defineMixin<{ count: number }>({
      created() {
        this.count = 0;
        // @ts-expect-error it adds no such thing
        this.total = 0;
      },
    });
    const schema = defineService(contract, {
      mixins: [counter],
      actions: {
        count() {
          // @ts-expect-error a number
          this.count.length;
          return this.count;
        },
      },
    });
    assert.equal(schema.name, "mixed");
  });
});
