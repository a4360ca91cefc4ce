import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { BottomBar, TopBar } from "@/components/shell/bars.tsx";
import { Connect } from "@/components/shell/connect.tsx";
import { HaltBanner } from "@/components/shell/halt-banner.tsx";
import { Shortcuts } from "@/components/shell/shortcuts.tsx";
import { Toasts } from "@/components/shell/toasts.tsx";
import { themeScript } from "@/lib/preferences.ts";
import "./globals.css";

export const metadata: Metadata = {
  title: { default: "sep", template: "%s · sep" },
  description: "What trading strategies want, and what became of it, live.",
  icons: { icon: "/icon.svg" },
};
export const viewport: Viewport = {
  width: "device-width",
  initialScale: 1,
  themeColor: [
    { media: "(prefers-color-scheme: light)", color: "#f5f6f7" },
    { media: "(prefers-color-scheme: dark)", color: "#0d1013" },
  ],
};

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <head>
        <script dangerouslySetInnerHTML={{ __html: themeScript }} />
      </head>
      <body>
        <a
          href="#main"
          className="sr-only z-50 rounded-control bg-ink px-3 py-2 text-on-ink focus:not-sr-only focus:fixed focus:top-2 focus:left-2"
        >
          Skip to content
        </a>
        <TopBar />
        <main
          id="main"
          tabIndex={-1}
          className="mx-auto max-w-[1424px] px-4 pt-4 pb-24 outline-none tablet:px-6 tablet:pb-12"
        >
          <HaltBanner />
          {children}
        </main>
        <BottomBar />
        <Toasts />
        <Shortcuts />
        <Connect />
      </body>
    </html>
  );
}
