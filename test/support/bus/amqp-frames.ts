/** What RabbitMQ sends when it is short of memory or disk, to be injected by a proxy. */

/** @param method of the class `connection` */
function frame(method: number, args: Buffer): Buffer {
  const head = Buffer.from([1, 0, 0, 0, 0, 0, 4 + args.length, 0, 10, 0, method]);
  return Buffer.concat([head, args, Buffer.from([0xce])]);
}

export const blockedFrame = frame(60, Buffer.from([3, ...Buffer.from("low")]));
export const unblockedFrame = frame(61, Buffer.alloc(0));
