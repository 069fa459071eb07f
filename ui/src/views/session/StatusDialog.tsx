/** Asks which status an instance shall have, and what else goes with it, and sets it. */
import { Field, Flex, NativeSelect, Text } from "@chakra-ui/react";
import { useState } from "react";

import type { Instance, InstanceStatus } from "~/api/types";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { Tick } from "~/components/Tick";
import { JsonEditor } from "~/components/json/JsonEditor";
import { parseJsonObject } from "~/components/json/jsonObject";
import { RepairPreview } from "~/components/repairs/RepairPreview";
import { useAct } from "~/components/useAct";
import { texts } from "~/texts";

import { setStatus } from "./queries";

const words = texts.session;

export type StatusDialogProps = {
  readonly instance: Instance;
  readonly onClose: () => void;
  readonly uid: string;
};

const STATUSES_BY_HAND = ["unstarted", "finished", "failed", "skipped", "abandoned"] as const satisfies readonly InstanceStatus[];

/** A cascade follows an end only. */
const CASCADING_STATUSES: readonly InstanceStatus[] = ["finished", "skipped"];

const NO_TEXT = "{}";

export const StatusDialog = ({ instance, onClose, uid }: StatusDialogProps) => {
  const [status, setChosen] = useState<InstanceStatus>(STATUSES_BY_HAND.find((name) => name !== instance.status)!);
  const [asksCascade, setAsksCascade] = useState(false);
  const [hasMetadata, setHasMetadata] = useState(false);
  const [resultText, setResultText] = useState(NO_TEXT);
  const [metadataText, setMetadataText] = useState(NO_TEXT);
  const canCascade = CASCADING_STATUSES.includes(status);
  const cascade = canCascade && asksCascade;
  const result = parseJsonObject(cascade ? resultText : NO_TEXT);
  const metadata = parseJsonObject(hasMetadata ? metadataText : NO_TEXT);
  const act = useAct({
    failed: words.statusFailed,
    onDone: onClose,
    perform: async () =>
      setStatus(uid, instance.name, {
        cascade,
        metadata: metadata.value ?? {},
        result: cascade ? (result.value ?? {}) : null,
        status,
      }),
    succeeded: () => words.statusSet(instance.name, texts.status[status]),
  });
  return (
    <ConfirmDialog
      confirmLabel={words.setStatus}
      isDangerous
      isPending={act.isPending}
      isValid={result.error === undefined && metadata.error === undefined}
      onClose={onClose}
      onConfirm={() => act.mutate(undefined)}
      size="lg"
      title={words.statusOf(instance.name)}
    >
      <Flex direction="column" gap={4}>
        <Text>{words.statusPreview}</Text>
        <Field.Root>
          <Field.Label>{words.status}</Field.Label>
          <NativeSelect.Root>
            <NativeSelect.Field
              onChange={(event) => setChosen(event.target.value as InstanceStatus)}
              value={status}
            >
              {STATUSES_BY_HAND.filter((name) => name !== instance.status).map((name) => (
                <option key={name} value={name}>
                  {texts.status[name]}
                </option>
              ))}
            </NativeSelect.Field>
            <NativeSelect.Indicator />
          </NativeSelect.Root>
        </Field.Root>
        {canCascade ? <Tick isTicked={asksCascade} label={words.statusCascade} onChange={setAsksCascade} /> : undefined}
        {cascade ? (
          <JsonEditor hint={words.statusResultHint} label={words.result} onChange={setResultText} text={resultText} />
        ) : undefined}
        <Tick isTicked={hasMetadata} label={words.statusMetadata} onChange={setHasMetadata} />
        {hasMetadata ? (
          <JsonEditor
            hint={words.statusMetadataHint}
            label={words.metadata}
            onChange={setMetadataText}
            text={metadataText}
          />
        ) : undefined}
        <RepairPreview
          act="set_status"
          args={{ cascade, status }}
          target={{ instances: [{ name: instance.name, session_uid: uid }], kind: "instances" }}
        />
      </Flex>
    </ConfirmDialog>
  );
};
