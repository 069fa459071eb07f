import { Box, Button, Checkbox, Flex, HStack, Table, Text } from "@chakra-ui/react";

import { runAddress } from "~/airflow/links";
import type { InstanceSummary } from "~/api/types";
import { AirflowLink } from "~/components/AirflowLink";
import { Sentence } from "~/components/Sentence";
import { StatusChip } from "~/components/StatusChip";
import { Time } from "~/components/Time";
import { ViewLink } from "~/components/ViewLink";
import { WhyButton } from "~/components/WhyButton";
import { RepairButtons } from "~/components/repairs/RepairButtons";
import { number } from "~/plurals";
import { texts } from "~/texts";

import type { Selection } from "./selection";
import { keyOf } from "./selection";

type RowProps = {
  readonly instance: InstanceSummary;
  readonly isSelected: boolean;
  readonly onToggle: () => void;
};

const Run = ({ instance }: { readonly instance: InstanceSummary }) =>
  instance.dag_id !== null && instance.dag_run_id !== null ? (
    <AirflowLink to={runAddress(instance.dag_id, instance.dag_run_id)}>{texts.attention.run}</AirflowLink>
  ) : (
    <Text as="span" color="fg.muted">
      {texts.attention.noRun}
    </Text>
  );

const Row = ({ instance, isSelected, onToggle }: RowProps) => (
  <Table.Row aria-selected={isSelected} bg={isSelected ? "bg.info" : undefined}>
    <Table.Cell w="36px">
      <Checkbox.Root checked={isSelected} onCheckedChange={onToggle} size="sm">
        <Checkbox.HiddenInput
          aria-label={texts.common.selectRow(`${instance.session_uid} ${instance.name}`)}
        />
        <Checkbox.Control />
      </Checkbox.Root>
    </Table.Cell>
    <Table.Cell>
      <ViewLink params={{ session: instance.session_uid }} view="session">
        {instance.session_uid}
      </ViewLink>
    </Table.Cell>
    <Table.Cell>
      <HStack gap={2}>
        <ViewLink params={{ instance: instance.name, session: instance.session_uid }} view="session">
          {instance.name}
        </ViewLink>
        {instance.status === "failed" ? undefined : <StatusChip status={instance.status} />}
      </HStack>
    </Table.Cell>
    <Table.Cell>
      <Time moment={instance.changed_at} />
    </Table.Cell>
    <Table.Cell overflowWrap="anywhere">
      {instance.stuck ? <Sentence text={instance.stuck.text} /> : (instance.error_message ?? texts.common.none)}
    </Table.Cell>
    <Table.Cell textAlign="end">{number(instance.replays)}</Table.Cell>
    <Table.Cell whiteSpace="nowrap">
      <Run instance={instance} />
    </Table.Cell>
    <Table.Cell>
      <HStack gap={1} justify="end">
        <WhyButton name={instance.name} session_uid={instance.session_uid} />
        <RepairButtons
          acts={instance.acts}
          size="xs"
          target={{ instances: [{ name: instance.name, session_uid: instance.session_uid }], kind: "instances" }}
        />
      </HStack>
    </Table.Cell>
  </Table.Row>
);

export type InstanceTableProps = {
  readonly hasMore: boolean;
  readonly instances: readonly InstanceSummary[];
  readonly isLoadingMore: boolean;
  readonly label: string;
  readonly onLoadMore: () => void;
  readonly selection: Selection;
};

/** The instances of a group, with what one may do with each. */
export const InstanceTable = ({ hasMore, instances, isLoadingMore, label, onLoadMore, selection }: InstanceTableProps) => {
  const selected = instances.filter((instance) => selection.has(keyOf(instance)));
  return (
    <Box overflowX="auto">
      <Table.Root aria-label={label} size="sm">
        <Table.Header>
          <Table.Row bg="transparent">
            <Table.ColumnHeader w="36px">
              <Checkbox.Root
                checked={
                  selected.length === 0 ? false : selected.length === instances.length ? true : "indeterminate"
                }
                onCheckedChange={({ checked }) => selection.set(instances, checked === true)}
                size="sm"
              >
                <Checkbox.HiddenInput aria-label={texts.common.selectAll} />
                <Checkbox.Control />
              </Checkbox.Root>
            </Table.ColumnHeader>
            <Table.ColumnHeader>{texts.attention.columns.session}</Table.ColumnHeader>
            <Table.ColumnHeader>{texts.attention.columns.instance}</Table.ColumnHeader>
            <Table.ColumnHeader>{texts.attention.columns.since}</Table.ColumnHeader>
            <Table.ColumnHeader>{texts.attention.columns.error}</Table.ColumnHeader>
            <Table.ColumnHeader textAlign="end">{texts.attention.columns.replays}</Table.ColumnHeader>
            <Table.ColumnHeader>{texts.attention.columns.run}</Table.ColumnHeader>
            <Table.ColumnHeader textAlign="end">{texts.attention.columns.acts}</Table.ColumnHeader>
          </Table.Row>
        </Table.Header>
        <Table.Body>
          {instances.map((instance) => (
            <Row
              instance={instance}
              isSelected={selection.has(keyOf(instance))}
              key={keyOf(instance)}
              onToggle={() => selection.set([instance], !selection.has(keyOf(instance)))}
            />
          ))}
        </Table.Body>
      </Table.Root>
      {hasMore ? (
        <Flex justify="center" p={2}>
          <Button loading={isLoadingMore} onClick={onLoadMore} size="xs" variant="ghost">
            {texts.common.loadMore}
          </Button>
        </Flex>
      ) : undefined}
    </Box>
  );
};
