/** Where callbacks may come from: addresses and networks, separated by commas. */
import { BlockList, isIP } from "node:net";

/** Whether a caller may call back. Never true for an unknown address. */
export type Allowed = (address: string | null) => boolean;

const family = (address: string): "ipv4" | "ipv6" => (isIP(address) === 4 ? "ipv4" : "ipv6");

/**
 * @param list for example "196.201.214.0/24, 196.201.213.114"
 * @throws {Error} that names an invalid entry
 */
export function allowedAddresses(list: string): Allowed {
  const allowed = new BlockList();
  for (const entry of list.split(",").map((it) => it.trim())) {
    const [address = "", bits, ...rest] = entry.split("/");
    const most = isIP(address) === 4 ? 32 : 128;
    const wellFormed = isIP(address) !== 0 && rest.length === 0;
    if (wellFormed && bits === undefined) allowed.addAddress(address, family(address));
    else if (wellFormed && /^\d{1,3}$/.test(bits ?? "") && Number(bits) <= most)
      allowed.addSubnet(address, Number(bits), family(address));
    else throw new Error(`${entry.slice(0, 60) || "an empty entry"} is no address or network`);
  }
  return (address) => address !== null && isIP(address) !== 0 && allowed.check(address, family(address));
}
