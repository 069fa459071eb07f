import { NativeSelect } from "@chakra-ui/react";

export type ChoiceProps = {
  /** The label of no choice. */
  readonly all: string;
  readonly choices: ReadonlyArray<readonly [value: string, label: string]>;
  readonly label: string;
  readonly onChange: (value: string) => void;
  readonly value: string | undefined;
};

/** A filter with a choice of values, or none of them. */
export const Choice = ({ all, choices, label, onChange, value = "" }: ChoiceProps) => (
  <NativeSelect.Root size="sm" w="auto">
    <NativeSelect.Field
      aria-label={label}
      borderColor={value === "" ? undefined : "brand.solid"}
      onChange={(event) => onChange(event.target.value)}
      value={value}
    >
      <option value="">{all}</option>
      {choices.map(([name, text]) => (
        <option key={name} value={name}>
          {text}
        </option>
      ))}
    </NativeSelect.Field>
    <NativeSelect.Indicator />
  </NativeSelect.Root>
);
