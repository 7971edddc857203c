/**
 * Resolves a name once and gives only public addresses, to which the socket then connects. A name that means another
 * address a moment later changes nothing.
 */
import { type LookupAddress, lookup as systemLookup } from "node:dns";
import type { LookupFunction } from "node:net";
import { isPublicAddress } from "./public-address.ts";

export type Resolve = (name: string) => Promise<LookupAddress[]>;

export class PrivateAddressError extends Error {
  override readonly name = "PrivateAddressError";
}

const systemResolve: Resolve = (name) =>
  new Promise((resolve, reject) => {
    systemLookup(name, { all: true }, (error, found) => (error ? reject(error) : resolve(found)));
  });

/** For `lookup` of a request. A name with any address that is not public is refused. */
export function checkedLookup(allowPrivate: boolean, resolve: Resolve = systemResolve): LookupFunction {
  return (name, options, done) => {
    resolve(name).then(
      (found) => {
        const [first] = found;
        if (!first) done(new Error(`${name} has no address`), "");
        else if (!allowPrivate && !found.every((it) => isPublicAddress(it.address)))
          done(new PrivateAddressError("the name means an address that is not public"), "");
        else if (options.all) done(null, found);
        else done(null, first.address, first.family);
      },
      (error: Error) => done(error, ""),
    );
  };
}
