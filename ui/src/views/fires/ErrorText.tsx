import { Text } from "@chakra-ui/react";

import { Json } from "~/views/session/Json";

import { lastLineOf } from "./errors";

/** Why something failed: the error's last line. The rest of a traceback is folded behind it. */
export const ErrorText = ({ error }: { readonly error: string | null }) => {
  if (error === null) {
    return undefined;
  }
  const line = lastLineOf(error);
  return line === error.trim() ? (
    <Text color="fg.muted" overflowWrap="anywhere">
      {line}
    </Text>
  ) : (
    <Json label={line} value={error} />
  );
};
