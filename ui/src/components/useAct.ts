import type { UseMutationResult } from "@tanstack/react-query";
import { useMutation, useQueryClient } from "@tanstack/react-query";

import { showError, showSuccess } from "./toasts";

export type ActOptions<Arguments, Answer> = {
  /** The toast's title when it was refused; the server's sentence stands below. */
  readonly failed: string;
  readonly onDone?: (answer: Answer) => void;
  readonly perform: (args: Arguments) => Promise<Answer>;
  /** The toast's title when it is done; undefined: no toast. */
  readonly succeeded?: (answer: Answer) => string | undefined;
};

/** An act that writes: it tells how it went, and every query on the page is read anew. */
export const useAct = <Arguments, Answer>({
  failed,
  onDone,
  perform,
  succeeded,
}: ActOptions<Arguments, Answer>): UseMutationResult<Answer, Error, Arguments> => {
  const queryClient = useQueryClient();
  return useMutation<Answer, Error, Arguments>({
    mutationFn: perform,
    onError: (error) => showError(failed, error),
    onSettled: async () => queryClient.invalidateQueries(),
    onSuccess: (answer) => {
      const title = succeeded?.(answer);
      if (title !== undefined) {
        showSuccess(title);
      }
      onDone?.(answer);
    },
  });
};
