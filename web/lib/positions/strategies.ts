// The strategies that a reader can choose among.

/** Those whose name holds what is typed, in the order given; all of them while the chosen name stands unchanged. */
export function matching(strategies: readonly string[], typed: string, chosen: string | undefined): string[] {
  const wanted = typed.trim().toLowerCase();
  if (wanted === "" || typed === chosen) return [...strategies];
  return strategies.filter((strategy) => strategy.toLowerCase().includes(wanted));
}

/** The address of a strategy's positions; `before` is the cursor of an older page of its fills. */
export function positionsHref(strategy: string, before?: string): string {
  const query = new URLSearchParams({ strategy, ...(before !== undefined && { before }) });
  return `/positions?${query.toString()}`;
}

/** Everything that a paged call has, at most so many pages of it. */
export async function allPages<T>(
  load: (cursor: string | undefined) => Promise<{ items: readonly T[]; next: string | null }>,
  maxPages: number,
): Promise<T[]> {
  const all: T[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < maxPages; page += 1) {
    const { items, next } = await load(cursor);
    all.push(...items);
    if (next === null) break;
    cursor = next;
  }
  return all;
}
