import { useFirstViewShown } from "~/firstView";
import { useSearchParam } from "~/viewState";

/** Whether a part of the session reads now. Below the drawer of a linked instance it waits: the drawer is seen first. */
export const usePartReads = (): boolean => {
  const isShown = useFirstViewShown();
  return useSearchParam("instance") === undefined || isShown;
};
