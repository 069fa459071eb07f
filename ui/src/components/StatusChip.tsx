/** A status of an instance, in the colour that Airflow gives to the state of its run. */
import { Badge } from "@chakra-ui/react";
import type { IconType } from "react-icons";
import {
  LuBan,
  LuCircleCheck,
  LuCircleDashed,
  LuCircleX,
  LuClock,
  LuLoader,
  LuRotateCcw,
  LuSkipForward,
} from "react-icons/lu";

import type { InstanceStatus } from "~/api/types";
import { number } from "~/plurals";
import { texts } from "~/texts";

/** In the order in which a list of chips shows them. */
export const STATUSES = [
  "failed",
  "running",
  "scheduled",
  "unstarted",
  "finished",
  "replayed",
  "skipped",
  "abandoned",
] as const satisfies readonly InstanceStatus[];

/** Airflow's colour palette of each status. What only waits is drawn hollow. */
export const PALETTE_OF_STATUS: Readonly<Record<InstanceStatus, string>> = {
  abandoned: "removed",
  failed: "failed",
  finished: "success",
  replayed: "up_for_retry",
  running: "running",
  scheduled: "scheduled",
  skipped: "skipped",
  unstarted: "none",
};

const ICON_OF_STATUS: Readonly<Record<InstanceStatus, IconType>> = {
  abandoned: LuBan,
  failed: LuCircleX,
  finished: LuCircleCheck,
  replayed: LuRotateCcw,
  running: LuLoader,
  scheduled: LuClock,
  skipped: LuSkipForward,
  unstarted: LuCircleDashed,
};

export type StatusChipProps = {
  /** Shown instead of the status's name: how many instances have it. */
  readonly count?: number;
  readonly status: InstanceStatus;
};

export const StatusChip = ({ count, status }: StatusChipProps) => {
  const Icon = ICON_OF_STATUS[status];
  return (
    <Badge
      borderRadius="full"
      colorPalette={PALETTE_OF_STATUS[status]}
      fontSize="sm"
      gap={1}
      px={2}
      title={count === undefined ? texts.statusHint[status] : texts.status[status]}
      variant={status === "unstarted" ? "outline" : "solid"}
    >
      <Icon aria-hidden />
      {count === undefined ? (
        texts.status[status]
      ) : (
        <span>
          {number(count)}
          <span className="chakra-visually-hidden" style={VISUALLY_HIDDEN}>{` ${texts.status[status]}`}</span>
        </span>
      )}
    </Badge>
  );
};

const VISUALLY_HIDDEN = {
  clip: "rect(0 0 0 0)",
  height: 1,
  overflow: "hidden",
  position: "absolute",
  width: 1,
} as const;
