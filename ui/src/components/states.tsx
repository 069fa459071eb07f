/** What a page or a part of it shows instead of its content: it is loading, empty, or could not be read. */
import { Alert, Button, EmptyState, Flex, Spinner, VStack } from "@chakra-ui/react";
import type { ReactNode } from "react";
import { LuInbox, LuLock } from "react-icons/lu";

import { ApiError } from "~/api/client";
import { texts } from "~/texts";

export const Loading = () => (
  <Flex align="center" aria-live="polite" color="fg.muted" gap={2} justify="center" p={8} role="status">
    <Spinner size="sm" />
    {texts.common.loading}
  </Flex>
);

export type EmptyProps = {
  readonly children?: ReactNode;
  readonly detail?: string;
  readonly icon?: ReactNode;
  readonly title: string;
};

export const Empty = ({ children, detail, icon = <LuInbox />, title }: EmptyProps) => (
  <EmptyState.Root role="status">
    <EmptyState.Content>
      <EmptyState.Indicator>{icon}</EmptyState.Indicator>
      <VStack textAlign="center">
        <EmptyState.Title>{title}</EmptyState.Title>
        {detail === undefined ? undefined : <EmptyState.Description>{detail}</EmptyState.Description>}
      </VStack>
      {children}
    </EmptyState.Content>
  </EmptyState.Root>
);

export type FailedProps = {
  readonly error: unknown;
  /** Reads again; without it there is no button. */
  readonly retry?: () => void;
};

/** The server's sentence, or that the reader has no right. */
export const Failed = ({ error, retry }: FailedProps) => {
  if (error instanceof ApiError && error.status === 403) {
    return <Empty detail={error.message} icon={<LuLock />} title={texts.errors.noRights} />;
  }
  return (
    <Alert.Root role="alert" status="error">
      <Alert.Indicator />
      <Alert.Content>
        <Alert.Title>{texts.errors.title}</Alert.Title>
        <Alert.Description>{error instanceof Error ? error.message : String(error)}</Alert.Description>
      </Alert.Content>
      {retry === undefined ? undefined : (
        <Button onClick={retry} size="sm" variant="outline">
          {texts.errors.retry}
        </Button>
      )}
    </Alert.Root>
  );
};
