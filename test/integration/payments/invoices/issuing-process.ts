/** Invoices the orders whose ids come on standard input, as often as they come. Prints what it has done. */
import { createInterface } from "node:readline";
import { openInvoicing, paidOrder } from "./support.ts";

const node = await openInvoicing(process.argv[2] ?? "");
console.log("ready");
for await (const orderId of createInterface({ input: process.stdin })) {
  // Not awaited: many are under way when the process is killed.
  void paidOrder(node, { orderId }).then(async (message) => {
    await node.issueInvoice(message);
    console.log(orderId);
  });
}
