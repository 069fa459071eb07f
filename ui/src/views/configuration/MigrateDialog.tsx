import { Badge, Box, Button, Flex, Spinner, Table, Text } from "@chakra-ui/react";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";

import { ConfirmDialog } from "~/components/ConfirmDialog";
import { Tick } from "~/components/Tick";
import { ViewLink } from "~/components/ViewLink";
import { Failed } from "~/components/states";
import { texts } from "~/texts";

import type { SessionMigration } from "./migration";
import { concerned, effectOf, tallyOf, walkPages } from "./migration";
import { migrate } from "./queries";

const words = texts.configuration;

const SHOWN = 50;

const PALETTE_OF_OUTCOME: Readonly<Record<string, string>> = { moved: "success", refused: "failed" };

/** Moves open sessions to the deployed rules: first without writing, with a report; then, on request, really. */
export const MigrateDialog = ({ name, onClose }: { readonly name: string; readonly onClose: () => void }) => {
  const queryClient = useQueryClient();
  const [history, setHistory] = useState<"apply" | "ignore">("ignore");
  const [sessions, setSessions] = useState<readonly SessionMigration[]>([]);
  const isStopped = useRef(false);
  const walk = useMutation({
    mutationFn: async (dryRun: boolean) => {
      isStopped.current = false;
      setSessions([]);
      await walkPages(
        async (after) => migrate(name, { dryRun, history }, after),
        (soFar) => {
          setSessions([...soFar]);
          return isStopped.current;
        },
      );
      return isStopped.current;
    },
    onSettled: async (_wasStopped, _error, dryRun) => (dryRun ? undefined : queryClient.invalidateQueries()),
  });
  const isReal = walk.variables === false;
  const isPreviewed = walk.isSuccess && !isReal && !walk.data;
  const isDone = walk.isSuccess && isReal;
  return (
    <ConfirmDialog
      confirmLabel={isDone ? texts.common.close : isPreviewed ? words.migrate : words.preview}
      isPending={walk.isPending}
      onClose={onClose}
      onConfirm={() => (isDone ? onClose() : walk.mutate(!isPreviewed))}
      size="lg"
      title={words.migrateTitle(name)}
    >
      <Flex direction="column" gap={3}>
        <Text>{words.migrateEffect}</Text>
        <Tick
          isDisabled={walk.isPending || isDone}
          isTicked={history === "apply"}
          label={words.applyHistory}
          onChange={(isTicked) => {
            setHistory(isTicked ? "apply" : "ignore");
            walk.reset();
            setSessions([]);
          }}
        />
        {walk.error === null ? undefined : <Failed error={walk.error} />}
        {walk.isPending ? (
          <Flex align="center" gap={3}>
            <Spinner size="sm" /> <Text aria-live="polite">{words.looked(sessions.length)}</Text>
            <Button
              onClick={() => {
                isStopped.current = true;
              }}
              size="xs"
              type="button"
              variant="outline"
            >
              {words.stop}
            </Button>
          </Flex>
        ) : undefined}
        {walk.data === true ? <Text color="fg.warning">{words.stopped(isReal)}</Text> : undefined}
        {walk.isSuccess || sessions.length > 0 ? <Report isReal={isReal} sessions={sessions} /> : undefined}
      </Flex>
    </ConfirmDialog>
  );
};

type ReportProps = { readonly isReal: boolean; readonly sessions: readonly SessionMigration[] };

const Report = ({ isReal, sessions }: ReportProps) => {
  const rows = concerned(sessions);
  return (
    <Flex aria-label={isReal ? words.migrated : words.wouldMigrate} as="section" direction="column" gap={2}>
      <Box aria-live="polite">
        <strong>{isReal ? words.migrated : words.wouldMigrate}</strong>
        {sessions.length === 0 ? <Text>{words.noSessions}</Text> : undefined}
        <ul style={{ paddingInlineStart: "1.5em" }}>
          {Object.entries(tallyOf(sessions)).map(([outcome, count]) => (
            <li key={outcome}>{words.outcomes[outcome as keyof typeof words.outcomes](count, isReal)}</li>
          ))}
        </ul>
        <Effect isReal={isReal} sessions={sessions} />
      </Box>
      {rows.length === 0 ? undefined : (
        <Box maxH="16em" overflow="auto" tabIndex={0}>
          <Table.Root aria-label={words.outcomeList} size="sm">
            <Table.Body>
              {rows.slice(0, SHOWN).map((session) => (
                <MigrationRow isReal={isReal} key={session.uid} session={session} />
              ))}
            </Table.Body>
          </Table.Root>
          {rows.length > SHOWN ? <Text color="fg.muted">{words.firstOnly(SHOWN)}</Text> : undefined}
        </Box>
      )}
    </Flex>
  );
};

/** What becomes of instances, in all sessions together. */
const Effect = ({ isReal, sessions }: ReportProps) => {
  const parts = words.effect(effectOf(sessions));
  return parts.length === 0 ? undefined : <Text color="fg.muted">{words.instances(parts, isReal)}</Text>;
};

type MigrationRowProps = { readonly isReal: boolean; readonly session: SessionMigration };

const MigrationRow = ({ isReal, session }: MigrationRowProps) => (
  <Table.Row>
    <Table.Cell>
      <ViewLink params={{ session: session.uid }} target="_blank" view="session">
        {session.uid}
      </ViewLink>
    </Table.Cell>
    <Table.Cell>
      <Badge colorPalette={PALETTE_OF_OUTCOME[session.outcome] ?? "none"}>
        {words.outcome[session.outcome as keyof typeof words.outcome](isReal)}
      </Badge>
    </Table.Cell>
    <Table.Cell overflowWrap="anywhere">
      {session.why ?? (session.effect === null ? "" : words.effect(session.effect).join(", "))}
    </Table.Cell>
  </Table.Row>
);
