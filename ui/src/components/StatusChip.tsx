/** A status of an instance, in the colour that Airflow gives to the state of its run. */
import { Badge, Flex } from "@chakra-ui/react";
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

/**
 * White text on these of Airflow's solid colours has too little contrast. A darker shade of the same colour has enough.
 */
const READABLE_SHADE: Readonly<Record<string, string>> = {
  running: "cyan.700",
  up_for_retry: "yellow.700",
  warning: "orange.700",
};

/** The properties of a solid badge in one of Airflow's palettes. */
export const solidBadge = (palette: string) =>
  ({
    colorPalette: palette,
    variant: "solid",
    ...(palette in READABLE_SHADE ? { bg: READABLE_SHADE[palette] } : {}),
  }) as const;

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
      fontSize="sm"
      gap={1}
      px={2}
      title={count === undefined ? texts.statusHint[status] : texts.status[status]}
      {...(status === "unstarted" ? HOLLOW_BADGE : solidBadge(PALETTE_OF_STATUS[status]))}
    >
      <Icon aria-hidden />
      {count === undefined ? (
        texts.status[status]
      ) : (
        <span>
          {number(count)}
          <span style={VISUALLY_HIDDEN}>{` ${texts.status[status]}`}</span>
        </span>
      )}
    </Badge>
  );
};

/** Chakra's component would work out its style anew in each row of a table. */
const VISUALLY_HIDDEN = {
  clip: "rect(0 0 0 0)",
  height: 1,
  overflow: "hidden",
  position: "absolute",
  width: 1,
} as const;

const HOLLOW_BADGE = { boxShadow: "none", outline: "1px solid", outlineColor: "fg.subtle", outlineOffset: "-1px", variant: "outline" } as const;

export type StatusMarksProps = { readonly counts: Partial<Record<InstanceStatus, number>> };

/** Small icons with numbers, for places where chips would not fit. Somebody else must say it in words. */
export const StatusMarks = ({ counts }: StatusMarksProps) => (
  <>
    {STATUSES.filter((status) => (counts[status] ?? 0) > 0).map((status) => {
      const Icon = ICON_OF_STATUS[status];
      return (
        <Flex align="center" gap="1px" key={status}>
          <Icon />
          {number(counts[status] ?? 0)}
        </Flex>
      );
    })}
  </>
);
