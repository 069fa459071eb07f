/** Asks which trigger to fire into a session, with which kwargs and when, and fires it. */
import { Field, Flex, Input } from "@chakra-ui/react";
import { useState } from "react";

import { useTimeZone } from "~/airflow/timeZone";
import { ConfirmDialog } from "~/components/ConfirmDialog";
import { JsonEditor } from "~/components/json/JsonEditor";
import { jsonText, parseJsonObject } from "~/components/json/jsonObject";
import { useAct } from "~/components/useAct";
import { texts } from "~/texts";
import { momentOfClock } from "~/times";

import { fire } from "./queries";

const words = texts.session;

export type FireDialogProps = {
  /** Chosen already, when the reader came from a trigger. */
  readonly initialTrigger?: string | undefined;
  readonly latestKwargs: Readonly<Record<string, unknown>>;
  readonly onClose: () => void;
  /** The triggers of the session's rules, to be offered. */
  readonly triggers: readonly string[];
  readonly uid: string;
};

export const FireDialog = ({ initialTrigger = "", latestKwargs, onClose, triggers, uid }: FireDialogProps) => {
  const [trigger, setTrigger] = useState(initialTrigger);
  const [text, setText] = useState(() => jsonText(latestKwargs[initialTrigger] ?? {}));
  const [later, setLater] = useState("");
  const timeZone = useTimeZone();
  // One key for the dialog: a request sent again counts once.
  const [idempotencyKey] = useState(() => crypto.randomUUID());
  const kwargs = parseJsonObject(text);
  const act = useAct({
    failed: words.fireFailed,
    onDone: onClose,
    perform: async () =>
      fire(uid, {
        fireAt: later === "" ? undefined : momentOfClock(later, timeZone),
        idempotencyKey,
        kwargs: kwargs.value ?? {},
        trigger: trigger.trim(),
      }),
    succeeded: (result) =>
      result.deferred || result.fire_at !== null
        ? words.firedLater(trigger)
        : words.fired(trigger, result.scheduled.length, result.touched.length + result.created.length),
  });

  return (
    <ConfirmDialog
      confirmLabel={words.fire}
      isPending={act.isPending}
      isValid={trigger.trim() !== "" && kwargs.error === undefined}
      onClose={onClose}
      onConfirm={() => act.mutate(undefined)}
      size="lg"
      title={words.fireInto(uid)}
    >
      <Flex direction="column" gap={4}>
        <Field.Root required>
          <Field.Label>{words.trigger}</Field.Label>
          <Input list="session-triggers" onChange={(event) => setTrigger(event.target.value)} value={trigger} />
          <datalist id="session-triggers">
            {triggers.map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
          {trigger.trim() !== "" && !triggers.includes(trigger.trim()) ? (
            <Field.HelperText color="fg.warning">{words.unusedTrigger}</Field.HelperText>
          ) : undefined}
        </Field.Root>
        <JsonEditor label={words.kwargs} onChange={setText} text={text} />
        <Field.Root>
          <Field.Label>{words.later}</Field.Label>
          <Input maxW="xs" onChange={(event) => setLater(event.target.value)} type="datetime-local" value={later} />
          <Field.HelperText>{words.laterHint(timeZone)}</Field.HelperText>
        </Field.Root>
      </Flex>
    </ConfirmDialog>
  );
};
