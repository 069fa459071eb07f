/** What an instance says of itself, in its metadata above all. The keys are the framework's (docs/semantics.md). */
import type { Instance } from "~/api/types";

const text = (value: unknown): string | undefined => (typeof value === "string" && value !== "" ? value : undefined);

const timestamp = ({ metadata: { timestamps } }: Instance, name: string): string | undefined =>
  typeof timestamps === "object" && timestamps !== null ? text((timestamps as Record<string, unknown>)[name]) : undefined;

/** The moment of its last change, or of its creation. */
export const changedAt = (instance: Instance): string | undefined =>
  timestamp(instance, "lastModified") ?? timestamp(instance, "created");

export type InstanceError = { readonly message: string; readonly traceback: string | undefined; readonly type: string };

/** Why it failed; undefined when it did not. */
export const errorOf = ({ metadata }: Instance): InstanceError | undefined => {
  const type = text(metadata.exceptionType);
  const message = text(metadata.exceptionMessage);
  const traceback = text(metadata.exceptionInfo);
  return type === undefined && message === undefined && traceback === undefined
    ? undefined
    : { message: message ?? "", traceback, type: type ?? "Error" };
};

/** The instance that it replays. */
export const parentOf = ({ metadata }: Instance): string | undefined => text(metadata.parent);

/** Python's names of log levels. */
const LEVELS: Readonly<Record<number, string>> = { 10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR", 50: "CRITICAL" };

/** The highest level that it logged, if that is worth a look: a warning or more. */
export const logLevelOf = ({ metadata }: Instance): string | undefined =>
  typeof metadata.logLevel === "number" && metadata.logLevel >= 30
    ? (LEVELS[metadata.logLevel] ?? String(metadata.logLevel))
    : undefined;

export const isLogResolved = ({ metadata }: Instance): boolean => metadata.logsResolved === true;
