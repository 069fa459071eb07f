import { Box, Code } from "@chakra-ui/react";

import { jsonText } from "~/components/json/jsonObject";

export type JsonProps = { readonly isOpen?: boolean; readonly label: string; readonly value: unknown };

/** A value as JSON, folded behind its label. */
export const Json = ({ isOpen = false, label, value }: JsonProps) => (
  <Box asChild maxW="100%">
    <details open={isOpen}>
      <summary style={{ cursor: "pointer" }}>{label}</summary>
      <Code
        aria-label={label}
        display="block"
        maxH="320px"
        overflow="auto"
        p={2}
        role="region"
        tabIndex={0}
        whiteSpace="pre-wrap"
      >
        {typeof value === "string" ? value : jsonText(value)}
      </Code>
    </details>
  </Box>
);
