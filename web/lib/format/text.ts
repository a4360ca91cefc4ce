/** "0x9c4e…b21a", "01KA…7QRF". */
export function shortHash(hash: string): string {
  return hash.length <= 12 ? hash : `${hash.slice(0, hash.startsWith("0x") ? 6 : 4)}…${hash.slice(-4)}`;
}

/** "1 intent", "2 intents", "1,284 intents". */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

export function formatCount(count: number): string {
  return count.toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** Hundredths of a basis point: 500 → "0.05%". */
export function formatFee(pips: number): string {
  return `${(pips / 10_000).toString()}%`;
}
