"use client";
// A link to another page of ours. The page behind it is fetched when a reader turns to the link, not when the link is
// seen: a page that has just been opened has better things to do.
import Link from "next/link";
import { useRouter } from "next/navigation";
import { useCallback, type ComponentProps } from "react";

export function AppLink({ href, ...rest }: ComponentProps<typeof Link> & { href: string }) {
  const router = useRouter();
  const fetchAhead = useCallback(() => router.prefetch(href), [router, href]);
  return (
    <Link
      href={href}
      prefetch={false}
      onPointerEnter={fetchAhead}
      onPointerDown={fetchAhead}
      onFocus={fetchAhead}
      {...rest}
    />
  );
}
