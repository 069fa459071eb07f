/** The time zone that the reader has chosen in Airflow; it is in the local storage. */
import { useSyncExternalStore } from "react";

const KEY = "timezone";

const browserTimeZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The zone in what Airflow has stored, a JSON string; the browser's zone when it is none. */
export const parseTimeZone = (stored: string | null, fallback: string): string => {
  try {
    const zone: unknown = JSON.parse(stored ?? "");
    if (typeof zone === "string") {
      Intl.DateTimeFormat("en", { timeZone: zone });
      return zone;
    }
  } catch {
    // Not JSON, or no zone that this browser knows.
  }
  return fallback;
};

const subscribe = (listener: () => void): (() => void) => {
  // Airflow's event in the same window, and the browser's for other windows.
  globalThis.addEventListener("local-storage", listener);
  globalThis.addEventListener("storage", listener);
  return () => {
    globalThis.removeEventListener("local-storage", listener);
    globalThis.removeEventListener("storage", listener);
  };
};

const ZONES = new Map<string | null, string>();

/** To check a zone takes long, and each moment in a table asks for it. */
const chosenTimeZone = (): string => {
  const stored = localStorage.getItem(KEY);
  const zone = ZONES.get(stored) ?? parseTimeZone(stored, browserTimeZone());
  ZONES.set(stored, zone);
  return zone;
};

export const useTimeZone = (): string => useSyncExternalStore(subscribe, chosenTimeZone);
