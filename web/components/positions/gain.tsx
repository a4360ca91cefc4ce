import type { Direction } from "@/lib/positions/wording.ts";

/** A gain and a loss also have their signs: colour is never alone. */
export const gainText: Readonly<Record<Direction, string>> = {
  gain: "text-green",
  loss: "text-red",
  even: "text-ink",
};
