// What the header says of the connection: whether what the page shows is live, and how old it is if not.
import type { Connection } from "./stream.ts";

/** The server says something every 2 s, and the market confirms its head every second. */
const behindMs = 5_000;
/** After this long without a connection, it is no short break any more. */
const offlineMs = 15_000;

export type ConnectionWords =
  | { name: "starting" }
  | { name: "live"; blockNumber: number | undefined }
  | { name: "behind"; last: "update" | "block"; ageMs: number }
  | { name: "reconnecting"; attempt: number; waitMs: number }
  /** `since`: when anything was last heard; where nothing ever was, when it was first tried. */
  | { name: "offline"; since: number };

/** `now` is undefined in what is built ahead. */
export function connectionWords(connection: Connection, now: number | undefined): ConnectionWords {
  const { status, since, attempt, heardAt, triedSince = since, retryAt, blockAt, blockNumber } = connection;
  if (now === undefined || since === 0) return { name: "starting" };
  if (status !== "connected") {
    const lastHeard = heardAt ?? triedSince;
    if (now - lastHeard > offlineMs) return { name: "offline", since: lastHeard };
    if (status === "connecting" && attempt <= 1 && heardAt === undefined) return { name: "starting" };
    return {
      name: "reconnecting",
      attempt: attempt + (retryAt === undefined ? 0 : 1),
      waitMs: retryAt === undefined ? 0 : Math.max(retryAt - now, 0),
    };
  }
  const unheardMs = heardAt === undefined ? 0 : now - heardAt;
  const ageMs = Math.max(unheardMs, blockAt === undefined ? 0 : now - blockAt);
  if (ageMs > behindMs) return { name: "behind", last: unheardMs > behindMs ? "update" : "block", ageMs };
  return { name: "live", blockNumber };
}
