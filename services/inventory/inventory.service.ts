/** Stock of every SKU: the units that orders hold, and a ledger of all movements. */

import { SoukError } from "../../broker/contract/errors.ts";
import { defineService } from "../../broker/moleculer/define-service.ts";
import { collectionOf } from "../../broker/mongo/documents.ts";
import { writeGroup } from "../../broker/mongo/write-group.ts";
import { actorHost } from "../../mixins/actor-host.ts";
import { idempotency } from "../../mixins/idempotency.ts";
import { mongo } from "../../mixins/mongo.ts";
import { workers } from "../../mixins/workers.ts";
import { importStock } from "./import-stock.ts";
import { inventory } from "./inventory.contract.ts";
import { ledgerModel } from "./ledger.model.ts";
import { listMovements, listStock, type StockItem } from "./list-stock.ts";
import { type Level, levelReads } from "./read-levels.ts";
import { available, stockActor } from "./stock.actor.ts";

export default defineService(inventory, {
  mixins: [mongo({ ledger: ledgerModel }), actorHost({ stock: stockActor }), idempotency(), workers()],

  setup: ({ actors }) => ({ readLevels: levelReads(actors.stock) }),

  actions: {
    async get({ params: { sku } }) {
      const [item] = await this.readLevels([sku]);
      if (!item) throw new SoukError("NOT_FOUND", `No stock of ${sku} is kept.`);
      return view(item);
    },

    async list({ params }) {
      const { shown, nextCursor } = await listStock(this.actors.stock.documents, params);
      return { items: shown.map(itemView), nextCursor };
    },

    async movements({ params }) {
      const page = await listMovements(this.models.ledger, params);
      if (page.items.length === 0 && (await this.readLevels([params.sku])).length === 0)
        throw new SoukError("NOT_FOUND", `No stock of ${params.sku} is kept.`);
      return page;
    },

    async configure({ params: { sku, lowAt } }) {
      return itemView(await this.actors.stock.apply(sku, "stock.configure", { lowAt }));
    },

    async create({ params: { sku, onHand } }) {
      return view(await this.actors.stock.apply(sku, "stock.create", { onHand }));
    },

    async adjust({ params: { sku, delta, reason }, meta }) {
      const change = { delta, reason, by: meta.user?.id ?? null };
      // A retry after a crash sends the same message again, which the actor recognises.
      const { resourceId: id } = meta;
      return view(await this.actors.stock.apply(sku, "stock.adjust", change, id === undefined ? {} : { id }));
    },

    importMany({ params }) {
      return importStock(this.actors.stock, params);
    },

    async availability({ params: { skus } }) {
      const items = await this.readLevels(skus);
      return items.map((it) => ({ sku: it.id, available: available(it.state) }));
    },
  },

  workers: {
    async ledger({ id, subject, data, time }) {
      const entries = writeGroup(collectionOf(this.models.ledger));
      await entries.insertNew({ _id: id, sku: subject, ...data, at: new Date(time) });
    },
  },
});

const itemView = (it: StockItem) => ({
  ...view(it),
  lowAt: it.state.lowAt ?? null,
  low: it.state.low ?? false,
});

const view = ({ id, state }: Level) => ({
  sku: id,
  onHand: state.onHand,
  held: state.held,
  available: available(state),
});
