/** The last line of a traceback: what went wrong. */
export const lastLineOf = (error: string): string => error.trim().split("\n").at(-1) ?? "";
