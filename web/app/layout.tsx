import type { ReactNode } from "react";
import "./globals.css";
import Link from "next/link";
export default function Layout({ children }: { children: ReactNode }) {
  return (<html lang="en"><body><Link href="/">home</Link> <Link href="/submit">submit</Link> <Link href="/intent/01J5S3Y4PEJHBJ5A7FYHBXQRFG">intent</Link> {children}</body></html>);
}
