"use client";
import { useEffect } from "react";
import { OctagonCross } from "@/components/ui/icons.tsx";
import { haltsOf } from "@/lib/system/halts.ts";
import { api } from "@/lib/sep/api.ts";
import { useSep } from "@/lib/sep/store.ts";
import { useLoaded } from "@/lib/use-loaded.ts";

const everyMs = 5_000;

/** Says that no new work is begun, and why, and that nothing is traded where the venue is paper; else nothing. */
export function HaltBanner() {
  const { data, reload } = useLoaded("halts", (signal) => api.status(signal), everyMs);
  const platformEvents = useSep((state) => state.platformEvents);
  useEffect(() => {
    if (platformEvents > 0) reload();
  }, [platformEvents, reload]);
  const onPaper = useSep((state) => state.platform?.venue) === "paper";
  const halts = data === undefined ? [] : haltsOf(data);
  return (
    <div role="status">
      {onPaper && (
        <p className="mb-4 rounded-panel border border-line px-4 py-3 text-table text-ink">
          <strong className="font-semibold">Paper trading.</strong> Intents are filled at the present quote; nothing is
          sent to a chain.
        </p>
      )}
      {halts.map(({ title, text }) => (
        <p
          key={title}
          className="mb-4 flex gap-3 rounded-panel border border-red-fill bg-red-tint px-4 py-3 text-table text-ink"
        >
          <span className="mt-0.5 text-red">
            <OctagonCross />
          </span>
          <span className="min-w-0 break-words">
            <strong className="font-semibold">{title}</strong> {text}
          </span>
        </p>
      ))}
    </div>
  );
}
