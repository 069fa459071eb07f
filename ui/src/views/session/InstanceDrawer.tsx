import { CloseButton, Drawer, Portal } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { useRefreshInterval } from "~/airflow/config";
import { failureOf } from "~/api/failures";
import { StatusChip } from "~/components/StatusChip";
import { Failed, Loading } from "~/components/states";
import { texts } from "~/texts";
import { useSetSearchParams } from "~/viewState";

import { InstanceDetails } from "./InstanceDetails";
import { instanceQuery } from "./queries";

export type InstanceDrawerProps = { readonly name: string; readonly uid: string };

/** One instance, beside the session: how it stands and why, what it got and gave, and its acts. */
export const InstanceDrawer = ({ name, uid }: InstanceDrawerProps) => {
  const setSearchParams = useSetSearchParams();
  const refetchInterval = useRefreshInterval();
  const { data: instance, error, refetch } = useQuery({ ...instanceQuery(uid, name), refetchInterval });
  const failure = failureOf({ data: instance, error });
  return (
    <Drawer.Root
      onOpenChange={({ open }) => {
        if (!open) {
          setSearchParams({ instance: undefined });
        }
      }}
      open
      size="lg"
    >
      <Portal>
        <Drawer.Backdrop />
        <Drawer.Positioner>
          <Drawer.Content>
            <Drawer.Header justifyContent="start" pe={14}>
              <Drawer.Title flex="none" maxW="80%" overflowWrap="anywhere">{name}</Drawer.Title>
              {instance === undefined ? undefined : <StatusChip status={instance.status} />}
            </Drawer.Header>
            <Drawer.Body>
              {failure ? (
                <Failed error={failure} retry={() => void refetch()} />
              ) : instance === undefined ? (
                <Loading />
              ) : (
                <InstanceDetails instance={instance} uid={uid} />
              )}
            </Drawer.Body>
            <Drawer.CloseTrigger asChild>
              <CloseButton aria-label={texts.common.close} size="sm" />
            </Drawer.CloseTrigger>
          </Drawer.Content>
        </Drawer.Positioner>
      </Portal>
    </Drawer.Root>
  );
};
