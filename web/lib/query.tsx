"use client";
// The query of the page's address. A component that reads it through Next alone is not part of what is built ahead,
// and would be made anew on every load; this way the page is drawn as it was built, and told the query where it has
// one.
import { useSearchParams } from "next/navigation";
import { Suspense, useLayoutEffect, useMemo, useState, type ReactNode } from "react";

/** `children` gets the query; none at first. */
export function WithQuery({ children }: { children: (query: URLSearchParams) => ReactNode }) {
  const [text, setText] = useState("");
  const query = useMemo(() => new URLSearchParams(text), [text]);
  return (
    <>
      <Suspense fallback={null}>
        <Watch onChange={setText} />
      </Suspense>
      {children(query)}
    </>
  );
}

function Watch({ onChange }: { onChange: (text: string) => void }) {
  const text = useSearchParams().toString();
  useLayoutEffect(() => onChange(text), [onChange, text]);
  return null;
}
