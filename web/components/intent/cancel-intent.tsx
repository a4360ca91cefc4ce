"use client";
import { useId, useRef, useState } from "react";
import { Button } from "@/components/ui/kit.tsx";
import { badgeOf } from "@/lib/intent/badge.ts";
import { promiseOf } from "@/lib/intent/wording.ts";
import { api, type ApiProblem } from "@/lib/sep/api.ts";
import { isTerminal } from "@/lib/sep/fold.ts";
import { useChainPosition, useSep } from "@/lib/sep/store.ts";
import type { IntentView } from "@/lib/sep/types.ts";
import { showToast } from "@/lib/toasts.ts";

/** Asks once more, then asks the platform. What comes of it shows in the intent's state. */
export function CancelIntent({ view }: { view: IntentView }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  const [asking, setAsking] = useState(false);
  const applyViews = useSep((state) => state.applyViews);
  const chain = useChainPosition();
  const ended = isTerminal(view.state);

  const refused = async (problem: ApiProblem) => {
    if (problem.code !== "ALREADY_TERMINAL")
      return showToast({
        kind: "error",
        title: problem.status === 0 ? "Not known whether it will be cancelled" : "Not cancelled",
        text: `${problem.message}. Ask again: asking twice does no harm.`,
      });
    const after = await api.intent(view.intent_id).catch(() => view);
    applyViews([after]);
    showToast({
      kind: "error",
      title: "Not cancelled",
      text: isTerminal(after.state) ? `It had ended before: ${badgeOf(after, chain).label}.` : "It had ended before.",
    });
  };
  const ask = async () => {
    setAsking(true);
    try {
      await api.cancelIntent(view.intent_id);
      // The request is on the record; where the stream is down, nothing else would show it.
      applyViews([await api.intent(view.intent_id).catch(() => view)]);
    } catch (problem) {
      await refused(problem as ApiProblem);
    } finally {
      setAsking(false);
      dialog.current?.close();
    }
  };

  return (
    <>
      {!ended && (
        <Button look="danger" disabled={view.cancel_requested} onClick={() => dialog.current?.showModal()}>
          {view.cancel_requested ? "Cancelling" : "Cancel intent"}
        </Button>
      )}
      <dialog
        ref={dialog}
        aria-labelledby={titleId}
        className="m-auto w-[calc(100%-32px)] max-w-[420px] rounded-panel border border-line bg-surface p-5 text-ink shadow-lg backdrop:bg-canvas/70"
      >
        <h2 id={titleId} className="text-body font-semibold">
          Cancel this intent?
        </h2>
        <p className="mt-2 text-table text-text2">
          {promiseOf(view.intent)}. If its transaction is already on its way, a cancellation is sent at the same nonce,
          which costs a fee, and it may still fill.
        </p>
        <div className="mt-5 flex flex-wrap justify-end gap-2">
          <Button onClick={() => dialog.current?.close()}>Keep it</Button>
          <Button look="danger" disabled={asking || ended} onClick={() => void ask()}>
            {ended ? "It has ended" : asking ? "Asking" : "Cancel intent"}
          </Button>
        </div>
      </dialog>
    </>
  );
}
