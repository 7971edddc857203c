/** Complete examples for the docs. */

export const addressExample = {
  name: "Ann Example",
  line1: "1 Market Street",
  city: "Springfield",
  postalCode: "12345",
  country: "US",
};

export const orderExample = {
  id: "01941b2e-5c00-7d3a-9f10-3c5d8a7e6b21",
  number: "261127-7K2QF-M9DXA",
  status: "awaiting_payment",
  customer: {
    id: "01941b10-0a11-7c20-8d31-5f2e9b7c4a10",
    email: "ann@example.com",
    name: "Ann Example",
  },
  lines: [
    {
      sku: "LAMP-BRASS-1",
      productId: "01941a10-2f00-7c35-9d58-0a7b3e6f1c24",
      slug: "brass-lamp",
      name: "Brass lamp",
      options: { Colour: "brass" },
      image: "https://images.example/brass-lamp.jpg",
      quantity: 2,
      unitPrice: { amount: 4900, currency: "USD" },
      total: { amount: 9800, currency: "USD" },
    },
  ],
  total: { amount: 9800, currency: "USD" },
  shippingAddress: addressExample,
  payment: {
    id: "01941b2e-5c01-7a06-b3c4-91d25e7f8a30",
    provider: "sandbox",
    status: "pending",
    nextAction: { type: "redirect", url: "https://shop.example/api/v1/sandbox/pay/4f6b2c1d" },
  },
  delivery: null,
  history: [
    { status: "placed", at: "2026-11-27T09:30:00.000Z" },
    { status: "awaiting_payment", at: "2026-11-27T09:30:00.120Z" },
  ],
  createdAt: "2026-11-27T09:30:00.000Z",
  expiresAt: "2026-11-27T10:00:00.000Z",
  version: 4,
};
