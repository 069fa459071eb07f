/** How far a bulk act is, and how many of its instances have each outcome. */
import { Badge, Flex, Progress, Text } from "@chakra-ui/react";

import type { BulkAct, BulkOutcome } from "~/api/types";
import { solidBadge } from "~/components/StatusChip";
import { number } from "~/plurals";
import { texts } from "~/texts";

import { endedCount, isOver } from "./repairs";

const PALETTE_OF_OUTCOME: Readonly<Record<BulkOutcome, string>> = {
  cancelled: "removed",
  done: "success",
  left_out: "warning",
  refused: "failed",
  unchanged: "none",
};

export const OutcomeBadge = ({ count, outcome }: { readonly count?: number; readonly outcome: BulkOutcome }) => (
  <Badge {...solidBadge(PALETTE_OF_OUTCOME[outcome])}>
    {count === undefined ? texts.bulk.outcome[outcome] : `${number(count)} ${texts.bulk.outcome[outcome]}`}
  </Badge>
);

export const OutcomeCounts = ({ bulkAct }: { readonly bulkAct: BulkAct }) => (
  <Flex gap={2} wrap="wrap">
    {(Object.entries(bulkAct.counts) as Array<[BulkOutcome, number]>)
      .filter(([, count]) => count > 0)
      .map(([outcome, count]) => (
        <OutcomeBadge count={count} key={outcome} outcome={outcome} />
      ))}
  </Flex>
);

export const ProgressText = ({ bulkAct }: { readonly bulkAct: BulkAct }) => (
  <Text as="span">{texts.bulk.progress(endedCount(bulkAct), bulkAct.total, texts.bulk.state[bulkAct.state])}</Text>
);

export const ProgressBar = ({ bulkAct }: { readonly bulkAct: BulkAct }) => (
  <Progress.Root
    aria-label={texts.bulk.progressLabel}
    colorPalette={isOver(bulkAct) ? "success" : "running"}
    max={Math.max(1, bulkAct.total)}
    size="sm"
    striped={!isOver(bulkAct)}
    value={bulkAct.total === 0 ? 1 : endedCount(bulkAct)}
  >
    <Progress.Track>
      <Progress.Range />
    </Progress.Track>
  </Progress.Root>
);
