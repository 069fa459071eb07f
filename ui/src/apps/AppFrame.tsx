import { QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Suspense } from "react";

import { queryClient } from "~/api/queryClient";
import { ErrorBoundary } from "~/components/ErrorBoundary";
import { Loading } from "~/components/states";
import { Toasts } from "~/components/toasts";

export type AppFrameProps = {
  readonly children: ReactNode;
  /** Shown while the app's part is loaded. */
  readonly fallback?: ReactNode;
};

/** What each app needs around it: the queries, a place for lazy parts and for errors, and the toasts. */
export const AppFrame = ({ children, fallback = <Loading /> }: AppFrameProps) => (
  <QueryClientProvider client={queryClient}>
    <ErrorBoundary>
      <Suspense fallback={fallback}>{children}</Suspense>
    </ErrorBoundary>
    <Toasts />
  </QueryClientProvider>
);
