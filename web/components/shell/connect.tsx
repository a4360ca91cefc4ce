"use client";
import { useEffect } from "react";
import { loadPlatform, sepStore } from "@/lib/sep/store.ts";

const retryMs = 2_000;

/** Keeps the connection, and loads what every page needs; shows nothing. */
export function Connect() {
  useEffect(() => sepStore.getState().startStream(), []);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const load = () => {
      loadPlatform().catch(() => {
        timer = setTimeout(load, retryMs);
      });
    };
    load();
    return () => clearTimeout(timer);
  }, []);
  return null;
}
