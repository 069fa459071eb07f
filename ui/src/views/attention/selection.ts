import { useCallback, useMemo, useState } from "react";

import type { InstanceKey, InstanceSummary } from "~/api/types";

export const keyOf = ({ name, session_uid: sessionUid }: InstanceKey): string => JSON.stringify([sessionUid, name]);

/** The instances with a tick. They stay ticked when the filters change or their group is closed. */
export type Selection = {
  readonly clear: () => void;
  readonly has: (key: string) => boolean;
  readonly instances: readonly InstanceSummary[];
  readonly set: (instances: readonly InstanceSummary[], isSelected: boolean) => void;
};

export const useSelection = (): Selection => {
  const [selected, setSelected] = useState<ReadonlyMap<string, InstanceSummary>>(new Map());

  const set = useCallback((instances: readonly InstanceSummary[], isSelected: boolean) => {
    setSelected((current) => {
      const next = new Map(current);
      for (const instance of instances) {
        if (isSelected) {
          next.set(keyOf(instance), instance);
        } else {
          next.delete(keyOf(instance));
        }
      }
      return next;
    });
  }, []);
  const clear = useCallback(() => setSelected(new Map()), []);

  return useMemo(
    () => ({ clear, has: (key) => selected.has(key), instances: [...selected.values()], set }),
    [clear, selected, set],
  );
};
