import { Badge, Box, Code, Flex, HStack, Heading, Table, Text, VisuallyHidden } from "@chakra-ui/react";
import { useState } from "react";

import type { DelayedFire, Hook, HookCall, SessionDetail } from "~/api/types";
import { ActButton } from "~/components/ActButton";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { Time } from "~/components/Time";
import { showError } from "~/components/toasts";
import { useAct } from "~/components/useAct";
import { texts } from "~/texts";

import { Json } from "./Json";
import { callHook, cancelDelayedFire, retryDelayedFire } from "./queries";

const words = texts.session;

/** What is still to come: delayed fires, and hooks that have not ended. */
export const ToComePart = ({ session }: { readonly session: SessionDetail }) => (
  <Flex direction="column" gap={5} h="100%" overflow="auto">
    <Box as="section">
      <Heading as="h3" mb={2} size="sm">
        {words.delayed}
      </Heading>
      <LeftOut isComplete={session.delayed_fires_next === null} text={words.nextOnly(session.delayed_fires.length)} />
      {session.delayed_fires.length === 0 ? (
        <Text color="fg.muted" fontSize="sm">{words.noDelayed}</Text>
      ) : (
        <Table.Root aria-label={words.delayed} size="sm">
          <Table.Header>
            <Table.Row>
              <Table.ColumnHeader>{words.when}</Table.ColumnHeader>
              <Table.ColumnHeader>{words.trigger}</Table.ColumnHeader>
              <Table.ColumnHeader>{words.kwargs}</Table.ColumnHeader>
              <Table.ColumnHeader>
                <VisuallyHidden>{texts.fires.acts}</VisuallyHidden>
              </Table.ColumnHeader>
            </Table.Row>
          </Table.Header>
          <Table.Body>
            {session.delayed_fires.map((fire) => (
              <DelayedRow fire={fire} key={fire.id} uid={session.uid} />
            ))}
          </Table.Body>
        </Table.Root>
      )}
    </Box>
    <Box as="section">
      <Heading as="h3" mb={2} size="sm">
        {words.hooks}
      </Heading>
      <LeftOut isComplete={session.hooks_next === null} text={words.oldestOnly(session.hooks.length)} />
      {session.hooks.length === 0 ? (
        <Text color="fg.muted" fontSize="sm">{words.noHooks}</Text>
      ) : (
        <Flex as="ul" direction="column" gap={2} listStyleType="none">
          {session.hooks.map((hook) => (
            <HookRow hook={hook} key={hook.id} uid={session.uid} />
          ))}
        </Flex>
      )}
    </Box>
  </Flex>
);

/** Says that there is more than what is shown. */
const LeftOut = ({ isComplete, text }: { readonly isComplete: boolean; readonly text: string }) =>
  isComplete ? undefined : (
    <Text color="fg.muted" fontSize="sm" mb={1}>
      {text}
    </Text>
  );

type DelayedRowProps = { readonly fire: DelayedFire; readonly uid: string };

const DelayedRow = ({ fire, uid }: DelayedRowProps) => (
  <Table.Row>
    <Table.Cell>
      <Time moment={fire.fire_at} />
    </Table.Cell>
    <Table.Cell>
      {fire.trigger} {fire.parked ? <Badge colorPalette="failed">{words.parked}</Badge> : undefined}
      {fire.error === null ? undefined : <Json label={words.error} value={fire.error} />}
    </Table.Cell>
    <Table.Cell>
      <Kwargs kwargs={fire.kwargs} />
    </Table.Cell>
    <Table.Cell>
      <DelayedFireButtons fire={fire} uid={uid} />
    </Table.Cell>
  </Table.Row>
);

/** Shown at once, unless they are long. */
export const Kwargs = ({ kwargs }: { readonly kwargs: DelayedFire["kwargs"] }) => {
  const text = JSON.stringify(kwargs);
  return text.length > MOST_LETTERS ? (
    <Json label={words.kwargs} value={kwargs} />
  ) : (
    <Code overflowWrap="anywhere" whiteSpace="normal">
      {text}
    </Code>
  );
};

const MOST_LETTERS = 100;

/** To take a delayed fire back; and to have it tried again, when it is parked. */
export const DelayedFireButtons = ({ fire, uid }: DelayedRowProps) => {
  const retry = useAct({
    failed: words.retryFireFailed,
    perform: async () => retryDelayedFire(uid, fire.id),
    succeeded: () => words.firedLater(fire.trigger),
  });
  return (
    <HStack gap={2} justify="end">
      {fire.parked ? (
        <ActButton
          act={fire.acts.retry}
          aria-label={words.retryFireOf(fire.trigger)}
          loading={retry.isPending}
          onClick={() => retry.mutate(undefined)}
          size="xs"
        >
          {texts.fires.retry}
        </ActButton>
      ) : undefined}
      <CancelFireButton fire={fire} uid={uid} />
    </HStack>
  );
};

/** Takes a delayed fire back, after a question. */
const CancelFireButton = ({ fire, uid }: DelayedRowProps) => {
  const [asks, setAsks] = useState(false);
  const cancel = useAct({
    failed: words.cancelFireFailed,
    onDone: () => setAsks(false),
    perform: async () => cancelDelayedFire(uid, fire.id),
    succeeded: () => words.cancelled(fire.trigger),
  });
  return (
    <>
      <ActButton act={fire.acts.cancel} aria-label={words.cancelFireOf(fire.trigger)} onClick={() => setAsks(true)} size="xs">
        {words.cancelFire}
      </ActButton>
      {asks ? (
        <ConfirmDialog
          cancelLabel={words.keepFire}
          confirmLabel={words.cancelFireOf(fire.trigger)}
          isDangerous
          isPending={cancel.isPending}
          onClose={() => setAsks(false)}
          onConfirm={() => cancel.mutate(undefined)}
          title={words.cancelFireTitle(fire.trigger)}
        >
          {words.cancelFirePreview}
        </ConfirmDialog>
      ) : undefined}
    </>
  );
};

type HookRowProps = { readonly hook: Hook; readonly uid: string };

const HookRow = ({ hook, uid }: HookRowProps) => (
  <Flex align="center" as="li" borderRadius="sm" borderWidth={1} fontSize="sm" gap={3} p={2} wrap="wrap">
    <strong>{hook.hook}</strong>
    {hook.parked ? <Badge colorPalette="failed">{words.parked}</Badge> : undefined}
    <Text color="fg.muted">{words.attempts(hook.attempts)}</Text>
    <Box flex={1} minW="200px">
      {hook.error === null ? undefined : <Json label={words.error} value={hook.error} />}
      <Json label={words.arguments} value={hook.arguments} />
    </Box>
    <CallHookButton hook={hook} uid={uid} />
  </Flex>
);

/** Calls a hook again, now. */
export const CallHookButton = ({ hook, uid }: HookRowProps) => {
  const call = useAct({
    failed: words.hookFailed,
    onDone: (answer: HookCall) => {
      if (!answer.ended) {
        showError(words.hookRaised, new Error(answer.error?.trim().split("\n").at(-1) ?? ""));
      }
    },
    perform: async () => callHook(uid, hook.id),
    succeeded: (answer) => (answer.ended ? words.hookCalled : undefined),
  });
  return (
    <ActButton
      act={hook.acts.call}
      aria-label={words.callHookOf(hook.hook)}
      loading={call.isPending}
      onClick={() => call.mutate(undefined)}
    >
      {words.callHook}
    </ActButton>
  );
};
