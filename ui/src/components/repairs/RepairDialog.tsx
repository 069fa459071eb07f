import { Stack, Text } from "@chakra-ui/react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";

import { path, request } from "~/api/client";
import type { components } from "~/api/schema";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { Tick } from "~/components/Tick";
import { JsonEditor } from "~/components/json/JsonEditor";
import { jsonText, parseJsonObject } from "~/components/json/jsonObject";
import { Loading } from "~/components/states";
import { useAct } from "~/components/useAct";
import { texts } from "~/texts";

import { RepairPreview } from "./RepairPreview";
import type { RepairAct, RepairAnswer, RepairArguments, RepairTarget } from "./repairs";
import { repair, sizeOf } from "./repairs";

type Instance = components["schemas"]["InstanceBody"];

export type RepairDialogProps = {
  readonly act: RepairAct;
  readonly onClose: () => void;
  /** Called when it is done, before the dialog closes; with the id of the bulk act, if it goes on. */
  readonly onDone?: (answer: RepairAnswer) => void;
  readonly target: RepairTarget;
};

/** Asks before a replay or a skip: what will happen, with which kwargs, with which result. */
export const RepairDialog = ({ act, onClose, onDone, target }: RepairDialogProps) => {
  const [isChanged, setIsChanged] = useState(false);
  const [typedText, setTypedText] = useState<string>();
  const size = sizeOf(target);
  const only = target.kind === "instances" && size === 1 ? target.instances[0] : undefined;

  // The kwargs of the one instance are the beginning of other ones.
  const { data: instance } = useQuery({
    enabled: act === "replay" && isChanged && only !== undefined,
    queryFn: async ({ signal }) =>
      request<Instance>(path("/sessions/{}/instances/{}", only?.session_uid ?? "", only?.name ?? ""), { signal }),
    queryKey: ["instance", only?.session_uid, only?.name],
  });
  // Until they are read there is nothing to edit, and an empty object would mean: no kwargs.
  const isReading = act === "replay" && isChanged && only !== undefined && instance === undefined;
  const text = typedText ?? jsonText(act === "replay" ? (instance?.kwargs ?? {}) : {});
  const { value } = parseJsonObject(text);
  const args: RepairArguments =
    act === "skip"
      ? { cascade: isChanged, ...(isChanged && value !== undefined ? { result: value } : {}) }
      : isChanged && value !== undefined
        ? { kwargs: value }
        : {};

  const mutation = useAct<undefined, RepairAnswer>({
    failed: texts.repairs.failed[act],
    onDone: (answer) => {
      onDone?.(answer);
      onClose();
    },
    perform: async () => repair(act, args, target),
    succeeded: ({ bulkActId }) => (bulkActId === undefined ? texts.repairs.done[act] : texts.repairs.begun[act](size)),
  });

  return (
    <ConfirmDialog
      confirmLabel={texts.repairs.label[act]}
      isPending={mutation.isPending}
      isValid={!isChanged || (value !== undefined && !isReading)}
      onClose={onClose}
      onConfirm={() => mutation.mutate(undefined)}
      size="lg"
      title={
        only === undefined
          ? texts.repairs.titleOfMany[act](size)
          : texts.repairs.titleOfOne[act](only.name, only.session_uid)
      }
    >
      <Stack gap={4}>
        <Text>{texts.repairs.effect[act]}</Text>
        <Tick isTicked={isChanged} label={texts.repairs.choice[act]} onChange={setIsChanged} />
        {isReading ? (
          <Loading />
        ) : isChanged ? (
          <JsonEditor
            hint={only === undefined ? texts.repairs.sameForAll : texts.repairs.hint[act]}
            label={texts.repairs.json[act]}
            onChange={setTypedText}
            text={text}
          />
        ) : undefined}
        <RepairPreview act={act} args={act === "skip" ? { cascade: isChanged } : {}} target={target} />
      </Stack>
    </ConfirmDialog>
  );
};
