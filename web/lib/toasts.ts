"use client";
// Short notes about what the user just did; never about anything else. At most three stand at a time.
import { create } from "zustand";

export interface Toast {
  id: number;
  kind: "success" | "error";
  title: string;
  text?: string;
  /** Where to look further. */
  link?: { href: string; label: string };
}

interface ToastState {
  toasts: readonly Toast[];
  dismiss: (id: number) => void;
}

let last = 0;
export const useToasts = create<ToastState>()((set) => ({
  toasts: [],
  dismiss: (id) => set((state) => ({ toasts: state.toasts.filter((toast) => toast.id !== id) })),
}));

export function showToast(toast: Omit<Toast, "id">): void {
  last += 1;
  const id = last;
  useToasts.setState((state) => ({ toasts: [...state.toasts, { ...toast, id }].slice(-3) }));
}
