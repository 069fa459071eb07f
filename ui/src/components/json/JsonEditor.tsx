import { Box, Field, Textarea } from "@chakra-ui/react";
import { Suspense, lazy } from "react";

import { parseJsonObject } from "./jsonObject";

const CodeEditor = lazy(() => import("./CodeEditor"));

export type JsonEditorProps = {
  readonly hint?: string;
  readonly label: string;
  readonly onChange: (text: string) => void;
  /** The text as it is typed; `parseJsonObject` reads it. */
  readonly text: string;
};

/** Edits a JSON object. While the editor loads, a plain field takes the text. */
export const JsonEditor = ({ hint, label, onChange, text }: JsonEditorProps) => {
  const { error } = parseJsonObject(text);
  return (
    <Field.Root invalid={error !== undefined}>
      <Field.Label>{label}</Field.Label>
      <Box borderColor={error === undefined ? "border" : "border.error"} borderRadius="sm" borderWidth={1} w="100%">
        <Suspense
          fallback={
            <Textarea aria-label={label} fontFamily="mono" onChange={(event) => onChange(event.target.value)} value={text} />
          }
        >
          <CodeEditor label={label} onChange={onChange} text={text} />
        </Suspense>
      </Box>
      {hint === undefined ? undefined : <Field.HelperText>{hint}</Field.HelperText>}
      <Field.ErrorText>{error}</Field.ErrorText>
    </Field.Root>
  );
};
