/** Writes a part of a record once. Writes of a node go out together, so an event costs little. */
import { collectionOf } from "../../../broker/mongo/documents.ts";
import { writeGroup } from "../../../broker/mongo/write-group.ts";
import type { ReportModels } from "../models/models.ts";
import { recordId } from "../models/record.model.ts";
import type { Part } from "../order/order-record.ts";

/** A repeated call changes nothing. */
export async function writePart(models: ReportModels, generation: number, part: Part): Promise<void> {
  const { path, value } = part;
  const [first, key] = path.split(".");
  const nested = key === undefined ? { [path]: value } : { [first ?? ""]: { [key]: value } };
  if (part.of === "order") {
    const _id = recordId(generation, part.id);
    const records = writeGroup(collectionOf(models.orders));
    const add = () =>
      records.update(
        { _id, [path]: { $exists: false } },
        { $set: { [path]: value, dirty: generation }, $inc: { rev: 1 } },
      );
    const isFirst = path === "placed";
    if (!isFirst && (await add())) return;
    const made = { _id, generation, rev: 1, dirty: generation, counted: [], seq: 0, ...nested };
    if (!(await records.insertNew(made))) await add();
    return;
  }
  const { sku, revision } = part;
  const _id = recordId(generation, `${sku}/${revision}`);
  const outs = writeGroup(collectionOf(models.stockOuts));
  if (!(await outs.insertNew({ _id, generation, sku, ...nested })))
    await outs.update({ _id, [path]: { $exists: false } }, { $set: { [path]: value } });
}
