"use client";
import { useRouter } from "next/navigation";
import { Button, Key } from "@/components/ui/kit.tsx";
import { setShortcutsOn, setZone, useShortcutsOn, useZone } from "@/lib/preferences.ts";
import { shortcutList, useShortcut } from "@/lib/shortcuts.ts";

const dialogId = "shortcuts";

/** Opens the dialog from anywhere on the page. */
export const openPreferences = (): void => (document.getElementById(dialogId) as HTMLDialogElement | null)?.showModal();

/** The keys that work everywhere, and the dialog that lists all of them and holds the reader's choices. */
export function Shortcuts() {
  const router = useRouter();
  const on = useShortcutsOn();
  const zone = useZone();
  useShortcut("n", () => router.push("/submit"));
  useShortcut("?", openPreferences);
  return (
    <dialog
      id={dialogId}
      aria-labelledby="shortcuts-title"
      className="m-auto w-[calc(100%-32px)] max-w-[420px] rounded-panel border border-line bg-surface p-5 text-ink shadow-lg backdrop:bg-ink/30"
    >
      <h2 id="shortcuts-title" className="text-body font-semibold">
        Keyboard and preferences
      </h2>
      <dl className="mt-3">
        {shortcutList.map(({ keys, meaning }) => (
          <div key={meaning} className="flex justify-between gap-4 border-b border-line py-1.5 text-table">
            <dt className="text-text2">{meaning}</dt>
            <dd className="flex gap-1">
              {keys.map((key) => (
                <Key key={key}>{key}</Key>
              ))}
            </dd>
          </div>
        ))}
      </dl>
      <div className="mt-4 grid gap-2 text-table">
        <label className="flex items-center gap-2">
          <input
            type="checkbox"
            checked={on}
            onChange={(event) => setShortcutsOn(event.target.checked)}
            className="size-4"
          />
          Single-key shortcuts
        </label>
        <label className="flex items-center gap-2">
          <input
            type="checkbox"
            checked={zone === "local"}
            onChange={(event) => setZone(event.target.checked ? "local" : "utc")}
            className="size-4"
          />
          Show times in this machine&apos;s zone, not UTC
        </label>
      </div>
      <form method="dialog" className="mt-4 flex justify-end">
        <Button type="submit">Close</Button>
      </form>
    </dialog>
  );
}
