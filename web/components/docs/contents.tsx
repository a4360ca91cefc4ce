export interface ContentsGroup {
  title: string;
  href: string;
  items: { href: string; method?: string; text: string }[];
}

/** The index: at the side where there is room, folded above the text where there is not. */
export function Contents({ groups }: { groups: readonly ContentsGroup[] }) {
  return (
    <>
      <details className="rounded-panel border border-line bg-surface px-4 py-3 desktop:hidden">
        <summary className="text-body font-semibold">Contents</summary>
        <Index groups={groups} label="Contents" className="mt-3" />
      </details>
      <Index
        groups={groups}
        label="Contents of the API"
        className="sticky top-[72px] max-h-[calc(100dvh-88px)] self-start overflow-y-auto pb-4 max-desktop:hidden"
      />
    </>
  );
}

function Index({ groups, label, className }: { groups: readonly ContentsGroup[]; label: string; className: string }) {
  return (
    <nav aria-label={label} className={`text-table [&_a]:block [&_a]:py-0.5 [&_a:hover]:underline ${className}`}>
      {groups.map((group) => (
        <div key={group.href} className="mb-4">
          <a href={group.href} className="font-semibold">
            {group.title}
          </a>
          <ul className="mt-0.5 text-text2 [&_b]:mr-1.5 [&_b]:inline-block [&_b]:w-9 [&_b]:text-[11px] [&_b]:font-semibold [&_b]:text-text3">
            {group.items.map((item) => (
              <li key={item.href}>
                <a href={item.href} className="break-words">
                  {item.method !== undefined && <b>{item.method}</b>}
                  {item.text}
                </a>
              </li>
            ))}
          </ul>
        </div>
      ))}
    </nav>
  );
}
