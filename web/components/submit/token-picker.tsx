"use client";
import { useCombobox } from "downshift";
import { useMemo, useState } from "react";
import { ChevronDown } from "@/components/ui/icons.tsx";
import { cx } from "@/components/ui/kit.tsx";
import { formatAmount } from "@/lib/format/amount.ts";
import { shortHash } from "@/lib/format/text.ts";
import type { Account, Token } from "@/lib/sep/types.ts";

/** The first letter of the symbol on a disc. */
function Chip({ symbol }: { symbol: string | undefined }) {
  return (
    <span
      aria-hidden="true"
      className="flex size-6 shrink-0 items-center justify-center rounded-full border border-line bg-sunken text-note font-semibold text-text2"
    >
      {symbol?.charAt(0) ?? "?"}
    </span>
  );
}

function found(tokens: readonly Token[], text: string): Token[] {
  const wanted = text.trim().toLowerCase();
  return tokens.filter((token) =>
    [token.symbol, token.name, token.address].some((name) => name.toLowerCase().includes(wanted)),
  );
}

/** Chooses a token by symbol, name or address. */
export function TokenPicker({
  label,
  field,
  tokens,
  value,
  account,
  faultId,
  onChange,
}: {
  label: string;
  field: "base" | "quote";
  tokens: readonly Token[];
  value: Token | undefined;
  account: Account | undefined;
  /** Of the text that says what is wrong with the choice. */
  faultId: string | undefined;
  onChange: (token: Token) => void;
}) {
  // Undefined: nothing is being searched, the field shows the choice.
  const [search, setSearch] = useState<string>();
  const items = useMemo(() => (search === undefined ? [...tokens] : found(tokens, search)), [tokens, search]);
  const picker = useCombobox<Token>({
    id: `token-${field}`,
    items,
    itemToString: (token) => token?.symbol ?? "",
    selectedItem: value ?? null,
    defaultHighlightedIndex: 0,
    inputValue: search ?? value?.symbol ?? "",
    onInputValueChange: ({ inputValue, type }) => {
      if (type === useCombobox.stateChangeTypes.InputChange) setSearch(inputValue);
    },
    onSelectedItemChange: ({ selectedItem }) => {
      if (selectedItem) onChange(selectedItem);
    },
    onIsOpenChange: ({ isOpen }) => {
      if (!isOpen) setSearch(undefined);
    },
    stateReducer: (state, { type, changes }) => {
      // Escape closes, and forgets neither the choice nor leaves the field empty.
      if (type === useCombobox.stateChangeTypes.InputKeyDownEscape) return { ...state, isOpen: false };
      // Leaving without choosing changes nothing, whatever was highlighted.
      if (type === useCombobox.stateChangeTypes.InputBlur)
        return { ...changes, selectedItem: state.selectedItem, inputValue: state.inputValue };
      return changes;
    },
  });
  const balanceOf = (token: Token): string => {
    const held = account?.tokens.find(({ asset }) => asset.address.toLowerCase() === token.address.toLowerCase());
    return held === undefined ? "" : formatAmount(held.balance, token.extensions?.stablecoin ?? false, "down");
  };
  return (
    <div className="relative shrink-0" data-field={field}>
      <div className="flex h-9 items-center rounded-full border border-control bg-surface pl-1.5 focus-within:outline-2 focus-within:outline-offset-2 focus-within:outline-focus">
        <Chip symbol={value?.symbol} />
        <input
          {...picker.getInputProps({
            "aria-label": label,
            "aria-labelledby": undefined,
            "aria-invalid": faultId !== undefined,
            "aria-describedby": faultId,
            spellCheck: false,
            onFocus: (event) => event.currentTarget.select(),
            onClick: (event) => event.currentTarget.select(),
          })}
          // As wide as the symbol; wider while something is searched for.
          style={{ width: `${Math.min(Math.max((value?.symbol ?? "").length, picker.isOpen ? 6 : 4), 8) + 1.5}ch` }}
          className="h-8 min-w-0 bg-transparent pl-2 text-body font-semibold outline-none"
        />
        <button
          {...picker.getToggleButtonProps({ "aria-label": `${label}: show all` })}
          type="button"
          className="flex h-8 w-7 items-center justify-center rounded-full text-text2 hover:text-ink"
        >
          <ChevronDown size={14} />
        </button>
      </div>
      <ul
        {...picker.getMenuProps({ "aria-label": label, "aria-labelledby": undefined })}
        className={cx(
          "absolute top-11 right-0 z-20 max-h-80 w-[300px] max-w-[calc(100vw-64px)] overflow-y-auto rounded-control border border-line bg-surface py-1 shadow-lg",
          !picker.isOpen && "hidden",
        )}
      >
        {picker.isOpen &&
          items.map((token, index) => (
            <li
              key={token.address}
              {...picker.getItemProps({ item: token, index })}
              className={cx(
                "flex min-h-12 cursor-pointer items-center gap-2.5 px-3 py-1.5",
                picker.highlightedIndex === index && "bg-sunken",
              )}
            >
              <Chip symbol={token.symbol} />
              <span className="min-w-0 flex-1">
                <span className="block text-table font-semibold">{token.symbol}</span>
                <span className="block truncate text-note text-text2">
                  {token.name} <span className="font-mono">{shortHash(token.address)}</span>
                </span>
              </span>
              <span className="text-table text-text2">{balanceOf(token)}</span>
            </li>
          ))}
        {picker.isOpen && items.length === 0 && (
          <li role="option" aria-selected="false" aria-disabled="true" className="px-3 py-2 text-table text-text2">
            {tokens.length === 0 ? "No tokens are loaded." : "No token is called that."}
          </li>
        )}
      </ul>
    </div>
  );
}
