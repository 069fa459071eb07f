import { Grid, Text } from "@chakra-ui/react";
import { LuZap } from "react-icons/lu";

import type { HistoryEntry } from "~/api/types";
import { Sentence } from "~/components/Sentence";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { texts } from "~/texts";

import { InstanceLink } from "./InstanceLink";

const words = texts.session;

const keyOf = (entry: HistoryEntry): string => ("event_id" in entry ? `event ${entry.event_id}` : `fire ${entry.fire_id}`);

export type HistoryListProps = {
  readonly entries: readonly HistoryEntry[];
  readonly label: string;
  /** The instance that the list is about: entries of others link to them. */
  readonly of?: string;
  /** The session, when the list is on another page. */
  readonly uid?: string;
};

/** What has happened, and who did it: a line for each entry. */
export const HistoryList = ({ entries, label, of, uid }: HistoryListProps) => (
  <Grid
    alignItems="baseline"
    aria-label={label}
    as="ol"
    columnGap={4}
    fontSize="sm"
    gridTemplateColumns="max-content minmax(0, 1fr) max-content"
    listStyleType="none"
  >
    {entries.map((entry) => (
      <Line entry={entry} key={keyOf(entry)} of={of} uid={uid} />
    ))}
  </Grid>
);

type LineProps = { readonly entry: HistoryEntry; readonly of: string | undefined; readonly uid: string | undefined };

const Line = ({ entry, of, uid }: LineProps) => {
  const instance = "event_id" in entry ? entry.instance : null;
  return (
    <Grid
      alignItems="baseline"
      as="li"
      borderBottomWidth={1}
      gridColumn="1 / -1"
      gridTemplateColumns="subgrid"
      py={1}
    >
      <Text color="fg.muted">
        <Time moment={entry.at} />
      </Text>
      <Text overflowWrap="anywhere">
        {entry.kind === "fire" ? (
          <LuZap aria-hidden style={{ display: "inline", marginInlineEnd: "0.4em", verticalAlign: "-0.1em" }} />
        ) : undefined}
        <Sentence text={entry.text} />
        {entry.by === null ? undefined : (
          <Text as="span" color="fg.muted">
            {" "}
            {words.by(entry.by)}
          </Text>
        )}
      </Text>
      {instance === null || instance === of ? (
        <span />
      ) : uid === undefined ? (
        <InstanceLink name={instance} />
      ) : (
        <ViewLink params={{ instance, session: uid }} view="session">
          {instance}
        </ViewLink>
      )}
    </Grid>
  );
};
