import { QueryClientProvider } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Suspense } from "react";

import { queryClient } from "~/api/queryClient";
import { ErrorBoundary } from "~/components/ErrorBoundary";
import { Loading } from "~/components/states";
import { Toasts } from "~/components/toasts";

/** What each app needs around it: the queries, a place for lazy parts and for errors, and the toasts. */
export const AppFrame = ({ children }: { readonly children: ReactNode }) => (
  <QueryClientProvider client={queryClient}>
    <ErrorBoundary>
      <Suspense fallback={<Loading />}>{children}</Suspense>
    </ErrorBoundary>
    <Toasts />
  </QueryClientProvider>
);
