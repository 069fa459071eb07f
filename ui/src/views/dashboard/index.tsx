import { Badge, Box, Flex, Heading, HStack } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { LuChevronRight, LuZap } from "react-icons/lu";

import { useRefreshInterval } from "~/airflow/config";
import { CONTROLLERS_ADDRESS } from "~/airflow/links";
import { failureOf } from "~/api/failures";
import { healthQuery } from "~/api/health";
import { AirflowLink } from "~/components/AirflowLink";
import { solidBadge } from "~/components/StatusChip";
import { Age } from "~/components/Time";
import type { ViewLinkProps } from "~/components/ViewLink";
import { ViewLink } from "~/components/ViewLink";
import { Failed } from "~/components/states";
import { useFirstViewShown } from "~/firstView";
import { number } from "~/plurals";
import { texts } from "~/texts";
import { groupsQuery } from "~/views/attention/queries";

import { MOST_UNHEARD, unheardQuery } from "./queries";

/** Airflow's start page places its parts by CSS `order`; we come after its statistics (3). */
const ORDER = 4;

/** A count of this or more is not exact. */
const MOST_PARKED = 1000;

type StatProps = Pick<ViewLinkProps, "params" | "view"> & {
  readonly count: number | undefined;
  readonly label: string;
  /** At this number, the count means: so many or more. */
  readonly most?: number;
  readonly palette: string;
};

const Stat = ({ count, label, most = Number.POSITIVE_INFINITY, palette, ...link }: StatProps) => (
  <ViewLink
    {...link}
    _hover={{ bg: "bg.subtle", textDecoration: "none" }}
    borderColor="border.emphasized"
    borderRadius="lg"
    borderWidth={1}
    color="fg"
    fontSize="sm"
    fontWeight="bold"
    gap={2}
    px={2}
    py={2}
  >
    <Badge
      borderRadius="full"
      size="md"
      {...(count ? solidBadge(palette) : { colorPalette: "none", variant: "outline" })}
    >
      {count === undefined ? "…" : `${number(count)}${count >= most ? "+" : ""}`}
    </Badge>
    {label}
    <LuChevronRight aria-hidden />
  </ViewLink>
);

const Controller = ({ children, palette }: { readonly children: ReactNode; readonly palette: string }) => (
  <HStack color="fg.muted" fontSize="sm" gap={2}>
    <Box aria-hidden bg={`${palette}.solid`} borderRadius="full" boxSize={2} />
    <AirflowLink color="fg.muted" to={CONTROLLERS_ADDRESS}>
      {children}
    </AirflowLink>
  </HStack>
);

/** The card on Airflow's start page: what needs attention, and whether the controller works. */
const DashboardCard = () => {
  const refetchInterval = useRefreshInterval();
  const failed = useQuery({ ...groupsQuery("failed", {}), refetchInterval });
  const stuck = useQuery({ ...groupsQuery("stuck", {}), refetchInterval });
  const isShown = useFirstViewShown();
  const health = useQuery({ ...healthQuery, enabled: isShown, refetchInterval });
  const unheard = useQuery({ ...unheardQuery, enabled: isShown, refetchInterval });
  const failure = [failed, stuck, health, unheard].map(failureOf).find((error) => error !== undefined);
  const parked = health.data?.parked;
  const lastPass = health.data?.controllers.last_pass;

  return (
    <Box aria-label={texts.app.title} as="section" order={ORDER}>
      <Flex align="center" color="fg.muted" gap={4} my={2} wrap="wrap">
        <HStack gap={1}>
          <LuZap aria-hidden />
          <Heading as="h2" size="xs">
            {texts.app.title}
          </Heading>
        </HStack>
        {health.data === undefined ? undefined : (
          <Controller palette={health.data.status === "healthy" ? "success" : "failed"}>
            {lastPass ? (
              <>
                {texts.dashboard.lastPass} <Age ago moment={lastPass} />
              </>
            ) : (
              texts.dashboard.noPass
            )}
          </Controller>
        )}
      </Flex>
      {failure === undefined ? (
        <Flex gap={4} wrap="wrap">
          <Stat count={failed.data?.total} label={texts.dashboard.failed} palette="failed" view="attention" />
          <Stat count={stuck.data?.total} label={texts.dashboard.stuck} palette="warning" view="attention" />
          <Stat
            count={parked && parked.asset_events + parked.delayed_fires + parked.hooks}
            label={texts.dashboard.parked}
            most={MOST_PARKED}
            palette="warning"
            params={{ part: "parked" }}
            view="fires"
          />
          <Stat
            count={unheard.data}
            label={texts.dashboard.unheard}
            most={MOST_UNHEARD}
            palette="warning"
            params={{ part: "unheard" }}
            view="fires"
          />
        </Flex>
      ) : (
        <Failed error={failure} />
      )}
    </Box>
  );
};

export default DashboardCard;
