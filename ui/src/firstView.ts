/** Whether the first view has its content: what is not needed for it is requested only then. */
import { useSyncExternalStore } from "react";

import { queryClient } from "~/api/queryClient";

const cache = queryClient.getQueryCache();

/** So long, in milliseconds, nothing is requested: a part of the view may ask for more when it is drawn. */
const PAUSE = 100;

const listeners = new Set<() => void>();
let isShown = false;
let timer: ReturnType<typeof setTimeout> | undefined;

const isComplete = (): boolean => {
  const states = cache.getAll().map((query) => query.state);
  return (
    states.some(({ status }) => status !== "pending") &&
    !states.some(({ fetchStatus, status }) => status === "pending" && fetchStatus === "fetching")
  );
};

const look = (): void => {
  if (isComplete()) {
    isShown = true;
    unsubscribe();
    listeners.forEach((listener) => listener());
  }
};

const unsubscribe = cache.subscribe(() => {
  clearTimeout(timer);
  timer = setTimeout(look, PAUSE);
});

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};

export const useFirstViewShown = (): boolean => useSyncExternalStore(subscribe, () => isShown);
