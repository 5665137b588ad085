/** Numbers and times as a reader sees them. */

/** Write an amount of US dollars; small amounts keep two digits that say something. */
export function money(usd: number): string {
  if (usd === 0 || usd >= 0.1) {
    return `$${usd.toFixed(2)}`;
  }
  return usd < 0.0001 ? '<$0.0001' : `$${usd.toFixed(4)}`;
}
