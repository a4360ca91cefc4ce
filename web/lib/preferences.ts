"use client";
// What a reader chose on this machine: time zone, look, keyboard shortcuts. Kept in localStorage, shared by all tabs.
import { useSyncExternalStore } from "react";
import type { Zone } from "./format/time.ts";

export type Theme = "light" | "dark";

const listeners = new Set<() => void>();
function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener("storage", listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", listener);
  };
}

function read(key: string): string | null {
  try {
    return window.localStorage.getItem(key);
  } catch {
    return null; // storage can be forbidden
  }
}
function write(key: string, value: string): void {
  try {
    window.localStorage.setItem(key, value);
  } catch {
    // The choice then lasts for this page alone.
  }
  for (const listener of listeners) listener();
}

export function useZone(): Zone {
  return useSyncExternalStore(
    subscribe,
    () => (read("zone") === "local" ? "local" : "utc"),
    () => "utc",
  );
}
export const setZone = (zone: Zone): void => write("zone", zone);

export function useShortcutsOn(): boolean {
  return useSyncExternalStore(
    subscribe,
    () => read("shortcuts") !== "off",
    () => true,
  );
}
export const setShortcutsOn = (on: boolean): void => write("shortcuts", on ? "on" : "off");

/** Runs before anything is drawn, so that no page flashes in the other look. */
export const themeScript = `(function(){var t;try{t=localStorage.getItem("theme")}catch(e){}if(t!=="light"&&t!=="dark")t=matchMedia("(prefers-color-scheme: dark)").matches?"dark":"light";document.documentElement.dataset.theme=t})()`;

export function useTheme(): Theme {
  return useSyncExternalStore(
    subscribe,
    () => (document.documentElement.dataset.theme === "dark" ? "dark" : "light"),
    () => "light",
  );
}
export function setTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
  write("theme", theme);
}
