import { CircleTick, OctagonCross } from "@/components/ui/icons.tsx";
import { cx } from "@/components/ui/kit.tsx";

/** Whether a part answers: shape and word, and colour besides. */
export function Answer({ ok, yes = "answers", no = "does not answer" }: { ok: boolean; yes?: string; no?: string }) {
  return (
    <span
      className={cx("inline-flex items-center gap-1.5 align-top whitespace-nowrap", ok ? "text-green" : "text-red")}
    >
      {ok ? <CircleTick size={14} /> : <OctagonCross size={14} />}
      <span className={ok ? "text-ink" : "font-semibold"}>{ok ? yes : no}</span>
    </span>
  );
}
