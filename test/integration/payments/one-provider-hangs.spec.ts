/** Providers are independent: a hanging or failing one delays no payments at others. */
import { newId } from "../../../broker/contract/ids.ts";
import type { Emulator, StartEmulator } from "../../../services/payments/providers/emulator.ts";
import { midtrans } from "../../../services/payments/providers/midtrans/midtrans.ts";
import { startXendit } from "../../../services/payments/providers/xendit/emulator/xendit.ts";
import { eventually } from "../../../souk/testing/eventually.ts";
import { openProviderShop, type ProviderShop } from "../../support/providers/provider-shop.ts";
import { seededRandom } from "../../support/seeded-random.ts";

const PRICE = { amount: 15_000_000, currency: "IDR" };
/** More than a worker has places. */
const MANY = 120;

describe("a provider in trouble", function () {
  this.timeout(60_000);
  let fixture: ProviderShop;
  let troubled: Emulator;

  before(async () => {
    troubled = await start(startXendit);
    fixture = await openProviderShop({
      provider: midtrans,
      env: { ...troubled.environment, LOG_LEVEL: "fatal", PROVIDER_TIMEOUT: "10s" },
    });
  });
  after(async () => {
    await fixture?.close();
    await troubled?.close();
  });

  const start = (it: StartEmulator) =>
    it({
      port: 0,
      webhookUrl: () => "http://127.0.0.1:9/",
      timeScale: 10_000,
      clock: Date,
      random: seededRandom(1).next,
    });
  const asked = () =>
    Array.from({ length: MANY }, () =>
      fixture.publish("provider.check", newId(), {
        provider: "xendit",
        providerRef: newId(),
        urgent: true,
      }),
    );

  for (const fault of ["timeout", 401, 503] as const)
    it(`keeps nobody who pays by another waiting: ${fault}`, async () => {
      const { order } = await fixture.order(PRICE);
      const { id } = await fixture.payment(order.id, (it) => it.status === "pending");
      troubled.knobs.api = [{ times: 10_000, fault }];
      const published = asked();
      await fixture.emulator.pay(await fixture.refOf(id), "succeed");
      await eventually(
        "it is paid",
        async () => (await fixture.call("orders.get", { id: order.id })).status === "paid",
        5_000,
      );
      troubled.knobs.api = [];
      await Promise.all(published);
    });
});
