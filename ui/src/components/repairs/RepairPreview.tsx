import { Alert, Box, Spinner, Table, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";

import { texts } from "~/texts";

import type { PreviewArguments, PreviewedAct, RepairTarget } from "./repairs";
import { previewQuery } from "./repairs";

export type RepairPreviewProps = {
  readonly act: PreviewedAct;
  readonly args: PreviewArguments;
  readonly target: RepairTarget;
};

/** What will happen, as the server says now: how many instances it concerns, and which ones it refuses and why. */
export const RepairPreview = ({ act, args, target }: RepairPreviewProps) => {
  const { data: preview, error } = useQuery(previewQuery(act, args, target));
  if (error) {
    return (
      <Alert.Root size="sm" status="warning">
        <Alert.Indicator />
        <Alert.Title>{error.message}</Alert.Title>
      </Alert.Root>
    );
  }
  if (preview === undefined) {
    return <Spinner aria-label={texts.common.loading} size="sm" />;
  }
  const refused = preview.sample.filter((item) => item.reason !== null);
  return (
    <Box aria-live="polite">
      <Text fontWeight="medium">{texts.repairs.preview[act](preview.allowed, preview.total)}</Text>
      {preview.refused > 0 ? <Text color="fg.warning">{texts.repairs.refused(preview.refused)}</Text> : undefined}
      {refused.length > 0 ? (
        <Box maxH="12em" mt={2} overflow="auto">
          <Table.Root aria-label={texts.repairs.refusedList} size="sm">
            <Table.Body>
              {refused.map((item) => (
                <Table.Row key={`${item.session_uid} ${item.name}`}>
                  <Table.Cell>{item.session_uid}</Table.Cell>
                  <Table.Cell>{item.name}</Table.Cell>
                  <Table.Cell>{item.reason}</Table.Cell>
                </Table.Row>
              ))}
            </Table.Body>
          </Table.Root>
        </Box>
      ) : undefined}
    </Box>
  );
};
