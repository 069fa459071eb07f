/** Fires for later, over all sessions, and those that could not be fired. */
import { Badge, Table, VisuallyHidden } from "@chakra-ui/react";
import type { UseInfiniteQueryResult } from "@tanstack/react-query";
import { useInfiniteQuery } from "@tanstack/react-query";

import { useRefreshInterval } from "~/airflow/config";
import type { UpcomingFire } from "~/api/types";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { texts } from "~/texts";
import { DelayedFireButtons, Kwargs } from "~/views/session/ToComePart";

import { ErrorText } from "./ErrorText";
import { Pages } from "./Pages";
import { upcomingQuery } from "./queries";

const words = texts.fires;

export const UpcomingPart = () => {
  const refetchInterval = useRefreshInterval();
  const query = useInfiniteQuery({ ...upcomingQuery, refetchInterval });
  const fires = query.data?.pages.flatMap((page) => page.delayed_fires) ?? [];
  return (
    <Pages
      empty={{ detail: words.noUpcomingDetail, title: words.noUpcoming }}
      items={fires}
      query={query as UseInfiniteQueryResult}
    >
      {(items) => (
        <Table.Root aria-label={words.parts.upcoming} size="sm">
          <Table.Header>
            <Table.Row>
              <Table.ColumnHeader>{texts.session.when}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.session.trigger}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.sessions.uid}</Table.ColumnHeader>
              <Table.ColumnHeader>{texts.session.kwargs}</Table.ColumnHeader>
              <Table.ColumnHeader>
                <VisuallyHidden>{words.acts}</VisuallyHidden>
              </Table.ColumnHeader>
            </Table.Row>
          </Table.Header>
          <Table.Body>
            {items.map((fire) => (
              <UpcomingRow fire={fire} key={fire.id} />
            ))}
          </Table.Body>
        </Table.Root>
      )}
    </Pages>
  );
};

const UpcomingRow = ({ fire }: { readonly fire: UpcomingFire }) => (
  <Table.Row>
    <Table.Cell>
      <Time moment={fire.fire_at} />
    </Table.Cell>
    <Table.Cell>
      {fire.trigger} {fire.parked ? <Badge colorPalette="failed">{texts.session.parked}</Badge> : undefined}
      <ErrorText error={fire.error} />
    </Table.Cell>
    <Table.Cell>
      <ViewLink params={{ part: "fires", session: fire.session_uid }} view="session">
        {fire.session_uid}
      </ViewLink>
    </Table.Cell>
    <Table.Cell>
      <Kwargs kwargs={fire.kwargs} />
    </Table.Cell>
    <Table.Cell>
      <DelayedFireButtons fire={fire} uid={fire.session_uid} />
    </Table.Cell>
  </Table.Row>
);
