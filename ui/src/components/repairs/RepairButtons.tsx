import { useState } from "react";

import type { Acts } from "~/api/types";
import { ActButton } from "~/components/ActButton";
import { texts } from "~/texts";
import { useSetSearchParams } from "~/viewState";

import { RepairDialog } from "./RepairDialog";
import type { RepairAct, RepairTarget } from "./repairs";
import { sizeOf } from "./repairs";

const ACTS: readonly RepairAct[] = ["replay", "skip"];

export type RepairButtonsProps = {
  readonly acts: Acts | undefined;
  readonly onDone?: () => void;
  readonly size?: "sm" | "xs";
  readonly target: RepairTarget;
};

/** Buttons to replay and to skip what the target names, with their dialogs. A bulk act opens its progress. */
export const RepairButtons = ({ acts, onDone, size = "sm", target }: RepairButtonsProps) => {
  const [open, setOpen] = useState<RepairAct>();
  const setSearchParams = useSetSearchParams();
  const only = target.kind === "instances" && target.instances.length === 1 ? target.instances[0] : undefined;
  return (
    <>
      {ACTS.map((act) => (
        <ActButton
          act={acts?.[act]}
          aria-label={
            only === undefined ? texts.repairs.many[act](sizeOf(target)) : texts.repairs.one[act](only.name, only.session_uid)
          }
          key={act}
          onClick={() => setOpen(act)}
          size={size}
        >
          {only === undefined ? texts.repairs.many[act](sizeOf(target)) : `${texts.repairs.label[act]} …`}
        </ActButton>
      ))}
      {open === undefined ? undefined : (
        <RepairDialog
          act={open}
          onClose={() => setOpen(undefined)}
          onDone={({ bulkActId }) => {
            onDone?.();
            if (bulkActId !== undefined) {
              setSearchParams({ bulk: bulkActId });
            }
          }}
          target={target}
        />
      )}
    </>
  );
};
