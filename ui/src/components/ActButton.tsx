import type { ButtonProps } from "@chakra-ui/react";
import { Button, Tooltip } from "@chakra-ui/react";

import type { Act } from "~/api/types";

export type ActButtonProps = Omit<ButtonProps, "disabled"> & {
  /** From `acts` of an answer. Without it, nobody has said that the reader may act: there is no button. */
  readonly act: Act | undefined;
};

/**
 * A button that acts. When the reader may not, it stays reachable by keyboard, does nothing, and says why on hover and
 * on focus.
 */
export const ActButton = ({ act, onClick, ...rest }: ActButtonProps) => {
  if (act === undefined) {
    return undefined;
  }
  if (act.allowed) {
    return <Button onClick={onClick} size="sm" variant="outline" {...rest} />;
  }
  return (
    <Tooltip.Root openDelay={100}>
      <Tooltip.Trigger asChild>
        <Button aria-disabled cursor="not-allowed" opacity={0.5} size="sm" variant="outline" {...rest} />
      </Tooltip.Trigger>
      <Tooltip.Positioner>
        <Tooltip.Content>{act.reason}</Tooltip.Content>
      </Tooltip.Positioner>
    </Tooltip.Root>
  );
};
