import { Button, Popover, Portal } from "@chakra-ui/react";

import type { InstanceKey } from "~/api/types";
import { texts } from "~/texts";

import { Why } from "./Why";

/** Opens the explanation of an instance beside it. */
export const WhyButton = ({ name, session_uid: sessionUid }: InstanceKey) => (
  <Popover.Root lazyMount unmountOnExit>
    <Popover.Trigger asChild>
      <Button aria-label={texts.repairs.whyOf(name)} size="xs" variant="ghost">
        {texts.repairs.why}
      </Button>
    </Popover.Trigger>
    <Portal>
      <Popover.Positioner>
        <Popover.Content maxW="lg" width="auto">
          <Popover.Arrow />
          <Popover.Body>
            <Why name={name} session_uid={sessionUid} />
          </Popover.Body>
        </Popover.Content>
      </Popover.Positioner>
    </Portal>
  </Popover.Root>
);
