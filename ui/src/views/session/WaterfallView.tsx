import { Box, Flex, Heading, Text } from "@chakra-ui/react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useMemo, useRef } from "react";
import { LuZap } from "react-icons/lu";

import { useTimeZone } from "~/airflow/timeZone";
import type { SessionDetail } from "~/api/types";
import { PALETTE_OF_STATUS } from "~/components/StatusChip";
import { Time } from "~/components/Time";
import { texts } from "~/texts";
import { durationText, momentText } from "~/times";

import { InstanceLink } from "./InstanceLink";
import type { Bar, Phase, Point } from "./waterfall";
import { waterfallOf } from "./waterfall";

const words = texts.session;

const ROW_HEIGHT = 28;
const NAME_WIDTH = 220;
const MAX_HEIGHT = 360;

const percent = (share: number): string => `${(share * 100).toFixed(3)}%`;

/** The newest fires and instances over time. */
export const WaterfallView = ({ session }: { readonly session: SessionDetail }) => {
  const scroller = useRef<HTMLDivElement>(null);
  const waterfall = useMemo(
    () => waterfallOf(session.fires, session.instances, Date.now()),
    [session.fires, session.instances],
  );
  const virtualizer = useVirtualizer({
    count: waterfall.bars.length,
    estimateSize: () => ROW_HEIGHT,
    getScrollElement: () => scroller.current,
    overscan: 10,
  });
  if (waterfall.bars.length === 0 && waterfall.points.length === 0) {
    return undefined;
  }
  return (
    <Box as="section">
      <Flex justify="space-between" mb={2} wrap="wrap">
        <Heading as="h3" size="sm">
          {words.overTime}
        </Heading>
        <Text color="fg.muted" fontSize="sm">
          {session.instances_next === null && session.fires_next === null ? undefined : `${words.newestOnly} `}
          <Time moment={new Date(waterfall.from).toISOString()} /> – <Time moment={new Date(waterfall.to).toISOString()} />
        </Text>
      </Flex>
      <Box borderWidth={1}>
        <Row name={words.storyFires}>
          {waterfall.points.map((point) => (
            <FirePoint key={`${point.fireId} ${point.moment}`} point={point} />
          ))}
        </Row>
        <Box aria-label={words.storyLabel} maxH={`${MAX_HEIGHT}px`} overflow="auto" ref={scroller} role="list" tabIndex={0}>
          <Box h={`${virtualizer.getTotalSize()}px`} position="relative">
            {virtualizer.getVirtualItems().map((item) => {
              const bar = waterfall.bars[item.index];
              return bar === undefined ? undefined : (
                <Box
                  key={bar.name}
                  left={0}
                  position="absolute"
                  right={0}
                  role="listitem"
                  style={{ top: item.start }}
                >
                  <InstanceRow bar={bar} />
                </Box>
              );
            })}
          </Box>
        </Box>
      </Box>
    </Box>
  );
};

type RowProps = { readonly children: React.ReactNode; readonly name: React.ReactNode };

const Row = ({ children, name }: RowProps) => (
  <Flex align="center" borderBottomWidth={1} h={`${ROW_HEIGHT}px`}>
    <Box flexShrink={0} fontSize="sm" lineHeight="1" overflow="hidden" px={2} w={`${NAME_WIDTH}px`}>
      {name}
    </Box>
    <Box flex={1} h="100%" mx={3} position="relative">
      {children}
    </Box>
  </Flex>
);

const FirePoint = ({ point }: { readonly point: Point }) => {
  const timeZone = useTimeZone();
  const label = words.storyFire(point.trigger, momentText(point.moment, timeZone));
  return (
    <Box
      aria-label={label}
      color="fg.info"
      position="absolute"
      role="img"
      style={{ left: percent(point.at) }}
      title={label}
      top="50%"
      transform="translate(-50%, -50%)"
    >
      <LuZap aria-hidden />
    </Box>
  );
};

const InstanceRow = ({ bar }: { readonly bar: Bar }) => (
    <Row
      name={
        <InstanceLink
          aria-label={words.storyBar(bar.name, texts.status[bar.status])}
          display="block"
          fontSize="xs"
          lineHeight={`${ROW_HEIGHT}px`}
          name={bar.name}
          truncate
        />
      }
    >
      {bar.phases.map((phase) => (
        <PhaseBar key={phase.kind} palette={PALETTE_OF_STATUS[bar.status]} phase={phase} />
      ))}
      {bar.end === undefined ? undefined : (
        <Box
          bg={`${PALETTE_OF_STATUS[bar.status]}.solid`}
          borderRadius="full"
          h="10px"
          position="absolute"
          style={{ left: percent(bar.end) }}
          title={texts.status[bar.status]}
          top="50%"
          transform="translate(-50%, -50%)"
          w="10px"
        />
      )}
    </Row>
);

const PhaseBar = ({ palette, phase }: { readonly palette: string; readonly phase: Phase }) => (
  <Box
    borderRadius="sm"
    minW="2px"
    position="absolute"
    style={{ left: percent(phase.from), width: percent(phase.to - phase.from) }}
    title={words.phase[phase.kind](durationText(phase.seconds))}
    top="50%"
    transform="translateY(-50%)"
    {...(phase.kind === "running" ? { bg: `${palette}.solid`, h: "12px" } : LOOK_OF_PHASE[phase.kind])}
  />
);

/** Waiting is hollow, queued is thin, running has the colour of its status. */
const LOOK_OF_PHASE = {
  queued: { bg: "scheduled.solid", h: "4px" },
  waiting: { borderColor: "fg.subtle", borderStyle: "dashed", borderWidth: 1, h: "12px" },
} as const;
