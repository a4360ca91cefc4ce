"use client";
import { useEffect, useRef, useState } from "react";

/** Says the intent's state to those who cannot see it, each time that it changes while the page is open. */
export function Announcer({ label }: { label: string | undefined }) {
  const [text, setText] = useState("");
  const known = useRef(label);
  useEffect(() => {
    if (label === undefined || label === known.current) return;
    if (known.current !== undefined) setText(`Intent is now ${label}`);
    known.current = label;
  }, [label]);
  return (
    <p aria-live="polite" className="sr-only">
      {text}
    </p>
  );
}
