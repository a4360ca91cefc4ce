"use client";
// Whether events are read newest or oldest first; the choice stays on this machine.
import { useSyncExternalStore } from "react";

export type EventOrder = "newest" | "oldest";

const key = "events";
const listeners = new Set<() => void>();
let chosen: EventOrder | undefined; // where storage is forbidden, the choice lasts for this page

function read(): EventOrder {
  try {
    return window.localStorage.getItem(key) === "oldest" ? "oldest" : "newest";
  } catch {
    return "newest";
  }
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useEventOrder(): EventOrder {
  return useSyncExternalStore(
    subscribe,
    () => chosen ?? read(),
    () => "newest",
  );
}

export function setEventOrder(order: EventOrder): void {
  chosen = order;
  try {
    window.localStorage.setItem(key, order);
  } catch {
    // Then it lasts for this page alone.
  }
  for (const listener of listeners) listener();
}
