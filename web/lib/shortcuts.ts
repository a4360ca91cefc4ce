"use client";
// Keyboard shortcuts: single keys, off while typing, while a dialog is open, and where the reader turned them off.
import { useEffect, useRef } from "react";
import { useShortcutsOn } from "./preferences.ts";

export const shortcutList = [
  { keys: ["/"], meaning: "Find an intent" },
  { keys: ["N"], meaning: "Submit an intent" },
  { keys: ["J", "K"], meaning: "Next, previous intent in the list" },
  { keys: ["Enter"], meaning: "Open the intent" },
  { keys: ["P"], meaning: "Pause or resume the list" },
  { keys: ["Ctrl", "Enter"], meaning: "Submit the form" },
  { keys: ["Esc"], meaning: "Close" },
  { keys: ["?"], meaning: "This help" },
] as const;

function isTyping(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName))
  );
}

/** Calls `run` when the key (as in KeyboardEvent.key, letters in lower case) is pressed alone. */
export function useShortcut(key: string, run: (event: KeyboardEvent) => void): void {
  const on = useShortcutsOn();
  const latest = useRef(run);
  useEffect(() => {
    latest.current = run;
  });
  useEffect(() => {
    if (!on) return;
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (event.key.toLowerCase() !== key || isTyping(event.target)) return;
      if (document.querySelector("dialog[open]")) return;
      event.preventDefault();
      latest.current(event);
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  }, [key, on]);
}
