"use client";
import { useEffect } from "react";

/** The tab's title while a page is open. What was built ahead sets its own when it comes alive, late: this one stays. */
export function useTitle(title: string): void {
  useEffect(() => {
    const wanted = `${title} · sep`;
    const apply = () => {
      if (document.title !== wanted) document.title = wanted;
    };
    apply();
    const observer = new MutationObserver(apply);
    observer.observe(document.head, { childList: true, subtree: true, characterData: true });
    return () => observer.disconnect();
  }, [title]);
}
