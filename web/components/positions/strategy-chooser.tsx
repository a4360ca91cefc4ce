"use client";
import { useCombobox } from "downshift";
import { useState } from "react";
import { ChevronDown } from "@/components/ui/icons.tsx";
import { cx } from "@/components/ui/kit.tsx";
import { matching } from "@/lib/positions/strategies.ts";

const shownAtOnce = 100;

/** A list of names with a search. Leaving it without choosing changes nothing. */
export function StrategyChooser({
  strategies,
  chosen,
  incomplete,
  onChoose,
}: {
  strategies: readonly string[];
  chosen: string | undefined;
  /** The list could not be loaded, or not anew. */
  incomplete: boolean;
  onChoose: (strategy: string) => void;
}) {
  const [typed, setTyped] = useState<string>();
  const text = typed ?? chosen ?? "";
  const matches = matching(strategies, text, chosen);
  const items = matches.slice(0, shownAtOnce);
  const { isOpen, highlightedIndex, getLabelProps, getInputProps, getToggleButtonProps, getMenuProps, getItemProps } =
    useCombobox<string>({
      id: "strategy",
      items,
      selectedItem: chosen ?? null,
      inputValue: text,
      stateReducer: (state, { type, changes }) =>
        type === useCombobox.stateChangeTypes.InputBlur ? { ...changes, selectedItem: state.selectedItem } : changes,
      onInputValueChange: ({ inputValue, type }) => {
        if (type === useCombobox.stateChangeTypes.InputChange) setTyped(inputValue);
      },
      onIsOpenChange: ({ isOpen: open }) => {
        if (!open) setTyped(undefined);
      },
      onSelectedItemChange: ({ selectedItem }) => {
        setTyped(undefined);
        if (selectedItem) onChoose(selectedItem);
      },
    });
  return (
    <div className="relative flex w-full items-center gap-3 tablet:w-auto">
      <label {...getLabelProps()} className="text-table text-text2">
        Strategy
      </label>
      <div className="relative min-w-0 flex-1 tablet:w-64 tablet:flex-none">
        <input
          {...getInputProps({
            // What is typed replaces the name. A click puts the cursor somewhere after the focus has come.
            onFocus: (event: React.FocusEvent<HTMLInputElement>) => event.currentTarget.select(),
            onClick: (event: React.MouseEvent<HTMLInputElement>) => event.currentTarget.select(),
          })}
          spellCheck={false}
          autoCapitalize="none"
          className="h-9 w-full rounded-control border border-control bg-surface pr-9 pl-3 text-table font-semibold"
        />
        <button
          {...getToggleButtonProps()}
          aria-label="Show all strategies"
          className="absolute inset-y-0 right-0 flex w-9 items-center justify-center text-text2"
        >
          <ChevronDown />
        </button>
        <ul
          {...getMenuProps()}
          className={cx(
            "absolute inset-x-0 top-10 z-20 max-h-80 overflow-y-auto rounded-control border border-line bg-surface p-1 text-table shadow-lg",
            !isOpen && "hidden",
          )}
        >
          {isOpen &&
            items.map((item, index) => (
              <li
                key={item}
                {...getItemProps({ item, index })}
                className={cx(
                  "min-h-8 cursor-pointer rounded-badge px-2 py-1.5 break-all",
                  index === highlightedIndex && "bg-sunken",
                  item === chosen && "font-semibold",
                )}
              >
                {item}
              </li>
            ))}
          {isOpen && matches.length !== items.length && (
            <li role="presentation" className="px-2 py-1.5 text-note text-text3">
              {matches.length - items.length} more. Type to narrow them.
            </li>
          )}
          {isOpen && (incomplete || matches.length === 0) && (
            <li role="presentation" className="px-2 py-1.5 text-text2">
              {incomplete ? "The strategies could not be loaded." : "No strategy is called so."}
            </li>
          )}
        </ul>
      </div>
    </div>
  );
}
