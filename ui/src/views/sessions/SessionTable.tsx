import { Text } from "@chakra-ui/react";
import { LuTriangleAlert } from "react-icons/lu";

import type { Session } from "~/api/types";
import type { Column } from "~/components/DataTable";
import { DataTable } from "~/components/DataTable";
import { StatusCounts } from "~/components/StatusCounts";
import { Age, Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { texts } from "~/texts";

const COLUMNS: Array<Column<Session>> = [
  {
    cell: ({ row: { original: session } }) => (
      <ViewLink fontWeight="medium" params={{ session: session.uid }} view="session">
        {session.uid}
      </ViewLink>
    ),
    header: texts.sessions.uid,
    id: "uid",
  },
  {
    cell: ({ row: { original: session } }) =>
      session.configuration === null ? (
        texts.common.none
      ) : (
        <>
          <ViewLink params={{ configuration: session.configuration }} view="configuration">
            {session.configuration}
          </ViewLink>
          {session.version?.is_deployed === false ? (
            <Text as="span" color="fg.warning" ms={1} title={texts.sessions.outdated}>
              <LuTriangleAlert aria-label={texts.sessions.outdated} style={{ display: "inline" }} />
            </Text>
          ) : undefined}
        </>
      ),
    header: texts.sessions.configuration,
    id: "configuration",
    size: 240,
  },
  {
    cell: ({ row: { original: session } }) => <StatusCounts counts={session.counts} />,
    header: texts.sessions.instances,
    id: "instances",
    size: 330,
  },
  {
    cell: ({ row: { original: session } }) => <Time moment={session.last_modified} />,
    header: texts.sessions.changed,
    id: "last_modified",
    size: 180,
  },
  {
    cell: ({ row: { original: session } }) => <Age moment={session.created} />,
    header: texts.sessions.age,
    id: "age",
    size: 90,
  },
];

export type SessionTableProps = {
  readonly onEndReached: () => void;
  readonly sessions: Session[];
  readonly total: number | undefined;
};

export const SessionTable = ({ onEndReached, sessions, total }: SessionTableProps) => (
  <DataTable
    columns={COLUMNS}
    label={texts.sessions.list}
    onEndReached={onEndReached}
    rowKey={(session) => session.uid}
    rows={sessions}
    {...(total === undefined ? {} : { total })}
  />
);
