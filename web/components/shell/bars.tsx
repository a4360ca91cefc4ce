"use client";
import { usePathname } from "next/navigation";
import { AppLink } from "@/components/ui/app-link.tsx";
import { GridIcon, Layers, Moon, Plus, Pulse, Sliders, Sun } from "@/components/ui/icons.tsx";
import { cx } from "@/components/ui/kit.tsx";
import { setTheme, useTheme } from "@/lib/preferences.ts";
import { ConnectionState } from "./connection-state.tsx";
import { FindIntent } from "./find-intent.tsx";
import { openPreferences } from "./shortcuts.tsx";

const pages = [
  { href: "/", label: "Dashboard", short: "Dashboard", icon: GridIcon },
  { href: "/submit", label: "Submit intent", short: "Submit", icon: Plus },
  { href: "/positions", label: "Positions", short: "Positions", icon: Layers },
  { href: "/system", label: "Health", short: "Health", icon: Pulse },
] as const;

function isCurrent(href: string, path: string): boolean {
  return href === "/" ? path === "/" || path.startsWith("/intent") : path === href;
}

export function TopBar() {
  const path = usePathname();
  return (
    <header className="sticky top-0 z-30 border-b border-line bg-surface">
      <div className="mx-auto flex h-14 max-w-[1424px] items-center gap-4 px-4 tablet:px-6">
        {/* The name wraps out of sight where its room is needed: on phones by what the connection says, on tablets always,
            so that the links stay where they are. */}
        <AppLink
          href="/"
          className="flex h-8 min-w-[22px] flex-wrap gap-x-2.5 overflow-hidden text-body leading-8 font-semibold whitespace-nowrap tablet:shrink-0 tablet:max-search:w-[22px]"
        >
          <Logo />
          Strategy Execution
        </AppLink>
        <nav aria-label="Pages" className="hidden h-full shrink-0 gap-6 tablet:flex search:ml-5">
          {pages.map((page) => (
            <AppLink
              key={page.href}
              href={page.href}
              aria-current={isCurrent(page.href, path) ? "page" : undefined}
              className={cx(
                "flex h-full items-center border-b-2 pt-0.5 text-body whitespace-nowrap",
                isCurrent(page.href, path)
                  ? "border-ink font-semibold text-ink"
                  : "border-transparent text-text2 hover:text-ink",
              )}
            >
              {page.label}
            </AppLink>
          ))}
        </nav>
        <div className="ml-auto flex shrink-0 items-center gap-2 tablet:gap-3 search:min-w-0 search:shrink">
          <FindIntent />
          <ConnectionState />
          <span className="flex tablet:gap-1">
            <Preferences />
            <ThemeSwitch />
          </span>
        </div>
      </div>
    </header>
  );
}

export function BottomBar() {
  const path = usePathname();
  return (
    <nav
      aria-label="Pages"
      className="fixed inset-x-0 bottom-0 z-30 grid h-[60px] grid-cols-4 border-t border-line bg-surface tablet:hidden"
    >
      {pages.map(({ href, short, icon: Icon }) => (
        <AppLink
          key={href}
          href={href}
          aria-current={isCurrent(href, path) ? "page" : undefined}
          className={cx(
            "flex flex-col items-center justify-center gap-1 text-note",
            isCurrent(href, path) ? "font-semibold text-ink" : "text-text2",
          )}
        >
          <Icon size={18} />
          {short}
        </AppLink>
      ))}
    </nav>
  );
}

function Logo() {
  return (
    <svg width="22" height="22" viewBox="0 0 24 24" aria-hidden="true" className="h-8 shrink-0">
      <rect width="24" height="24" rx="6" fill="var(--ink)" />
      <path d="M6 15.5h2.5c4 0 3-7 7-7H18" fill="none" stroke="var(--on-ink)" strokeWidth="2" strokeLinecap="round" />
      <circle cx="6" cy="15.5" r="1.6" fill="var(--on-ink)" />
      <circle cx="18" cy="8.5" r="1.6" fill="var(--on-ink)" />
    </svg>
  );
}

const iconButton =
  "flex size-8 shrink-0 items-center justify-center rounded-control text-text2 hover:bg-sunken hover:text-ink";

function Preferences() {
  return (
    <button
      type="button"
      onClick={openPreferences}
      aria-label="Keyboard and preferences"
      aria-haspopup="dialog"
      title="Keyboard and preferences"
      className={iconButton}
    >
      <Sliders />
    </button>
  );
}

function ThemeSwitch() {
  const theme = useTheme();
  const other = theme === "dark" ? "light" : "dark";
  return (
    <button
      type="button"
      onClick={() => setTheme(other)}
      aria-label="Dark look"
      aria-pressed={theme === "dark"}
      title={`Switch to the ${other} look`}
      className={iconButton}
    >
      {theme === "dark" ? <Sun /> : <Moon />}
    </button>
  );
}
