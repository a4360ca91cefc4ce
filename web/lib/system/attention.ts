// What GET /status says, as a reader needs it: which parts do not answer, and in how many words.
import type { Status } from "../sep/types.ts";

export interface Attention {
  part: string;
  detail: string;
}

/**
 * The parts of the platform that need somebody: what stands still by decision, then the ones that others stand on.
 * Nothing is named twice. `signs`: transactions are signed, for which coin is needed.
 */
export function attentionOf(status: Status, signs: boolean): Attention[] {
  const { record, dependencies, services, streams, pools, signer } = status;
  const found: Attention[] = [];
  const note = (part: string, detail: string): void => {
    if (!found.some((one) => one.part === part)) found.push({ part, detail });
  };
  if (status.halted) note("New work", `halted: ${status.halted.detail || status.halted.reason}`);
  if (signer?.halted) note("Signer", "halted, nothing new is sent");
  if (!record.ok) note(partName("record"), record.detail);
  for (const one of dependencies) if (!one.ok) note(partName(one.name), one.detail);
  for (const one of services) if (!one.ok) note(partName(one.name), one.detail);
  for (const one of streams) if (!one.ok) note(partName(one.name), one.detail);
  for (const pool of pools)
    if (!pool.ok) note(`Pool ${pool.token0} / ${pool.token1}, ${pool.fee / 10_000}%`, pool.detail);
  if (signs && signer && /^0*(\.0*)?$/.test(signer.balance)) note("Signer", "has no coin to pay for gas");
  return found;
}

const partNames: Readonly<Record<string, string>> = {
  nats: "NATS",
  record: "Record",
  redis: "Redis",
  market: "Market",
  node: "Ethereum node",
  chain: "Ethereum node",
  postgres: "PostgreSQL",
  coordinator: "State coordinator",
  risk: "Risk engine",
  planner: "Execution planner",
  intents: "Intent manager",
  orchestrator: "Orchestrator",
  gateway: "Gateway",
};

/** "nats" → "NATS", "planner-workers" → "Planner workers". */
export function partName(name: string): string {
  const known = partNames[name];
  if (known !== undefined) return known;
  const words = name.replaceAll(/[-_.]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

export type Mood = "fine" | "starting" | "attention" | "unknown";

export interface Headline {
  mood: Mood;
  text: string;
}

/** `stale`: the last call failed, so nothing is known of the present. */
export function headlineOf(status: Status, stale: boolean, signs: boolean): Headline {
  const count = attentionOf(status, signs).length;
  if (stale) return { mood: "unknown", text: "The present state is not known" };
  if (count === 0) {
    return status.ready
      ? { mood: "fine", text: "Everything answers" }
      : { mood: "starting", text: "The platform is starting" };
  }
  if (status.halted && count === 1) return { mood: "attention", text: "New work is halted" };
  return { mood: "attention", text: count === 1 ? "1 part needs attention" : `${count} parts need attention` };
}

/** Milliseconds between two moments of the server's clock; never negative. */
export function agoMs(now: string, then: string): number {
  return Math.max(Date.parse(now) - Date.parse(then), 0);
}

/** Wei as gwei with at most three decimals: "1.25"; below that "<0.001". */
export function formatGwei(wei: string): string {
  const units = BigInt(wei);
  if (units === 0n) return "0";
  const thousandths = (units + 500_000n) / 1_000_000n;
  if (thousandths === 0n) return "<0.001";
  const digits = thousandths.toString().padStart(4, "0");
  const whole = digits.slice(0, -3).replace(/\B(?=(\d{3})+$)/g, ",");
  const fraction = digits.slice(-3).replace(/0+$/, "");
  return fraction === "" ? whole : `${whole}.${fraction}`;
}

/** What the kind of database means. */
export function engineWords(engine: Status["record"]["engine"]): { name: string; note: string } {
  switch (engine) {
    case "timescaledb":
      return { name: "TimescaleDB", note: "Events are kept in a hypertable, in chunks by time." };
    case "postgresql":
      return { name: "PostgreSQL", note: "TimescaleDB is not installed; a plain table keeps the same events." };
    case "":
      return { name: "–", note: "The database does not answer." };
  }
}
