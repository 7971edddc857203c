import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { connectToAny } from "../../../broker/bus/amqp/connect-once.ts";
import { amqpUrl } from "../../support/bus/amqp-broker.ts";
import { tcpProxy } from "../../support/servers/tcp-proxy.ts";

describe("A connection to RabbitMQ for a short task", () => {
  it("passes over an address that takes connections and says nothing", async () => {
    const silent = createServer().listen(0, "127.0.0.1");
    await once(silent, "listening");
    const { port } = silent.address() as AddressInfo;
    try {
      const connection = await connectToAny(`amqp://127.0.0.1:${port},${amqpUrl}`, 300);
      await connection.close();
    } finally {
      silent.close();
    }
  });

  it("rejects the call under way when it is lost, and does not end the process", async () => {
    const proxy = await tcpProxy(amqpUrl);
    try {
      const connection = await connectToAny(proxy.via(amqpUrl));
      const lost = new Promise((resolve) => connection.once("close", resolve));
      const channel = await connection.createChannel();
      proxy.stall();
      const asked = assert.rejects(channel.checkQueue("none"));
      proxy.cut();
      await asked;
      await lost;
    } finally {
      await proxy.close();
    }
  });
});
