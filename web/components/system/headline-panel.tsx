"use client";
import { CircleTick, ClockIcon, HalfCircle, Warning } from "@/components/ui/icons.tsx";
import { cx, Skeleton, textOf, Time } from "@/components/ui/kit.tsx";
import { useSep } from "@/lib/sep/store.ts";
import type { Status } from "@/lib/sep/types.ts";
import { attentionOf, headlineOf, type Mood } from "@/lib/system/attention.ts";

const looks = {
  fine: { icon: CircleTick, hue: "green" },
  starting: { icon: HalfCircle, hue: "blue" },
  attention: { icon: Warning, hue: "red" },
  unknown: { icon: ClockIcon, hue: "amber" },
} as const satisfies Record<Mood, { icon: typeof CircleTick; hue: keyof typeof textOf }>;

/** The answer to the only question that most readers have; what needs attention is named beneath. */
export function HeadlinePanel({
  status,
  at,
  stale,
}: {
  status: Status | undefined;
  at: number | undefined;
  stale: boolean;
}) {
  const signs = useSep(({ platform }) => platform !== undefined && platform.venue !== "paper");
  if (status === undefined)
    return (
      <Box>
        <Skeleton className="h-6 w-52" />
      </Box>
    );
  const { mood, text } = headlineOf(status, stale, signs);
  const { icon: Icon, hue } = looks[mood];
  const attention = stale ? [] : attentionOf(status, signs);
  return (
    <Box>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className={textOf[hue]}>
          <Icon size={22} />
        </span>
        <h2 className={cx("text-phone-title font-semibold", mood === "attention" && textOf.red)}>{text}</h2>
        <span className="text-note text-text3 tablet:ml-auto">
          {stale ? "last known at " : "as of "}
          {at !== undefined && <Time at={at} zone />}
        </span>
      </div>
      {attention.length > 0 && (
        <ul className="mt-3 border-t border-line">
          {attention.map(({ part, detail }) => (
            <li
              key={part}
              className="flex flex-wrap gap-x-2 border-b border-line py-2 text-table last:border-b-0 last:pb-0"
            >
              <strong className="font-semibold">{part}</strong>
              <span className="min-w-0 break-words text-text2">{detail}</span>
            </li>
          ))}
        </ul>
      )}
    </Box>
  );
}

function Box({ children }: { children: React.ReactNode }) {
  return (
    <div className="min-h-[84px] rounded-panel border border-line bg-surface p-4 tablet:min-h-[58px]">{children}</div>
  );
}
