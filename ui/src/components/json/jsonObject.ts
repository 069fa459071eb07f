import { texts } from "~/texts";

export type JsonObject = Readonly<Record<string, unknown>>;

export type ParsedJson = { readonly error?: string; readonly value?: JsonObject };

/** The JSON object in a text; for another text, what is wrong with it. */
export const parseJsonObject = (text: string): ParsedJson => {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { error: texts.json.invalid(error instanceof Error ? error.message : String(error)) };
  }
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? { value: value as JsonObject }
    : { error: texts.json.noObject };
};

/** A value as readable JSON. */
export const jsonText = (value: unknown): string => JSON.stringify(value, undefined, 2);
