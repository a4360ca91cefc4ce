"use client";
// Whether the reader paused the list, and how much waits meanwhile: told in the header too, which is always in sight.
import { create } from "zustand";

interface PauseState {
  paused: boolean;
  waiting: number;
}

export const usePause = create<PauseState>()(() => ({ paused: false, waiting: 0 }));
export const setPaused = (paused: boolean): void => usePause.setState({ paused });
export const togglePaused = (): void => usePause.setState(({ paused }) => ({ paused: !paused }));
