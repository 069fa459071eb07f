import { Flex, Spinner, Table, Text } from "@chakra-ui/react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { ConfirmDialog } from "~/components/ConfirmDialog";
import { Failed } from "~/components/states";
import { number } from "~/plurals";
import { texts } from "~/texts";

import type { SessionMigration } from "./migration";
import { tallyOf, walkPages } from "./migration";
import { migrate } from "./queries";

const words = texts.configuration;

const REFUSED = "refused";
const REFUSED_SHOWN = 20;

/** Moves open sessions to the deployed rules: first without writing, with a report; then, on request, really. */
export const MigrateDialog = ({ name, onClose }: { readonly name: string; readonly onClose: () => void }) => {
  const queryClient = useQueryClient();
  const [history, setHistory] = useState<"apply" | "ignore">("ignore");
  const [sessions, setSessions] = useState<readonly SessionMigration[]>([]);
  const isClosed = useRef(false);
  const walk = useMutation({
    mutationFn: async (dryRun: boolean) => {
      setSessions([]);
      await walkPages(
        async (after) => migrate(name, { dryRun, history }, after),
        (soFar) => {
          setSessions([...soFar]);
          return isClosed.current;
        },
      );
      return dryRun;
    },
    onSettled: async () => queryClient.invalidateQueries(),
  });
  const isPreviewed = walk.data === true && !walk.isPending;
  const isDone = walk.data === false && !walk.isPending;
  return (
    <ConfirmDialog
      confirmLabel={isDone ? texts.common.close : isPreviewed ? words.migrate : words.preview}
      isPending={walk.isPending}
      onClose={() => {
        isClosed.current = true;
        onClose();
      }}
      onConfirm={() => (isDone ? onClose() : walk.mutate(!isPreviewed))}
      size="lg"
      title={words.migrateTitle(name)}
    >
      <Flex direction="column" gap={3}>
        <Text>{words.migrateEffect}</Text>
        <label>
          <input
            checked={history === "apply"}
            disabled={walk.isPending || isDone}
            onChange={(event) => {
              setHistory(event.target.checked ? "apply" : "ignore");
              walk.reset();
              setSessions([]);
            }}
            type="checkbox"
          />{" "}
          {words.applyHistory}
        </label>
        {walk.error === null ? undefined : <Failed error={walk.error} />}
        {walk.isPending ? (
          <Flex align="center" aria-live="polite" gap={2}>
            <Spinner size="sm" /> {words.looked(sessions.length)}
          </Flex>
        ) : undefined}
        {isPreviewed || isDone || sessions.length > 0 ? <Report isDone={isDone} sessions={sessions} /> : undefined}
      </Flex>
    </ConfirmDialog>
  );
};

type ReportProps = { readonly isDone: boolean; readonly sessions: readonly SessionMigration[] };

const Report = ({ isDone, sessions }: ReportProps) => {
  const refused = sessions.filter(({ outcome }) => outcome === REFUSED).slice(0, REFUSED_SHOWN);
  return (
    <Flex aria-live="polite" direction="column" gap={2}>
      <strong>{isDone ? words.migrated : words.wouldMigrate}</strong>
      {sessions.length === 0 ? <Text>{words.nothingToMigrate}</Text> : undefined}
      <ul style={{ paddingInlineStart: "1.5em" }}>
        {Object.entries(tallyOf(sessions)).map(([outcome, count]) => (
          <li key={outcome}>
            {number(count)} {words.outcome(outcome)}
          </li>
        ))}
      </ul>
      {refused.length === 0 ? undefined : (
        <Table.Root aria-label={words.refusedList} size="sm">
          <Table.Body>
            {refused.map((session) => (
              <Table.Row key={session.uid}>
                <Table.Cell>{session.uid}</Table.Cell>
                <Table.Cell>{session.why}</Table.Cell>
              </Table.Row>
            ))}
          </Table.Body>
        </Table.Root>
      )}
    </Flex>
  );
};
