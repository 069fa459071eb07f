import { Checkbox } from "@chakra-ui/react";

export type TickProps = {
  readonly isDisabled?: boolean;
  readonly isTicked: boolean;
  readonly label: string;
  readonly onChange: (isTicked: boolean) => void;
};

/** A checkbox with its label. */
export const Tick = ({ isDisabled = false, isTicked, label, onChange }: TickProps) => (
  <Checkbox.Root
    checked={isTicked}
    disabled={isDisabled}
    onCheckedChange={({ checked }) => onChange(checked === true)}
    size="sm"
  >
    <Checkbox.HiddenInput />
    <Checkbox.Control />
    <Checkbox.Label>{label}</Checkbox.Label>
  </Checkbox.Root>
);
