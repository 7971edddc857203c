/**
 * Net amounts of lines. The tax is taken out of a document's sum, not of each line. So the document's net is shared
 * among its lines in proportion to their totals. Each share is within one minor unit of the exact one.
 */

/**
 * @param totals of the lines, including tax; they may be zero
 * @returns whole numbers that add up to `net`
 */
export function netsOfLines(totals: readonly number[], net: number): number[] {
  const gross = totals.reduce((sum, it) => sum + BigInt(it), 0n);
  let before = 0n;
  let given = 0n;
  return totals.map((total) => {
    before += BigInt(total);
    // Rounded down for all lines up to this one, so that nothing is left at the last.
    const upTo = gross === 0n ? 0n : (before * BigInt(net)) / gross;
    const share = upTo - given;
    given = upTo;
    return Number(share);
  });
}
