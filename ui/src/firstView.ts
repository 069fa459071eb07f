/** Whether the first view has its content: what is not needed for it is requested only then. */
import { useSyncExternalStore } from "react";

import { queryClient } from "~/api/queryClient";

const cache = queryClient.getQueryCache();

const isShown = (): boolean => cache.getAll().some((query) => query.state.status !== "pending");

export const useFirstViewShown = (): boolean => useSyncExternalStore((listener) => cache.subscribe(listener), isShown);
