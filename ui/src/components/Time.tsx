import { useSyncExternalStore } from "react";

import { useTimeZone } from "~/airflow/timeZone";
import { texts } from "~/texts";
import { durationText, momentText, secondsBetween } from "~/times";

const TICK = 10_000;

/** One clock for all ages on the page. */
const listeners = new Set<() => void>();
let now = Date.now();
let timer: ReturnType<typeof setInterval> | undefined;

const tick = (): void => {
  now = Date.now();
  listeners.forEach((listener) => listener());
};

const subscribe = (listener: () => void): (() => void) => {
  if (listeners.size === 0) {
    now = Date.now();
    timer = setInterval(tick, TICK);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(timer);
    }
  };
};

const useNow = (): number => useSyncExternalStore(subscribe, () => now);

/** A moment in Airflow's chosen zone. */
export const Time = ({ moment }: { readonly moment: string | null | undefined }) => {
  const timeZone = useTimeZone();
  return moment === null || moment === undefined ? (
    <span>{texts.common.none}</span>
  ) : (
    <time dateTime={moment} style={{ whiteSpace: "nowrap" }} title={timeZone}>
      {momentText(moment, timeZone)}
    </time>
  );
};

/** How long ago a moment was, or how long ago in words (`5 min ago`); the moment on hover. */
export const Age = ({ ago = false, moment }: { readonly ago?: boolean; readonly moment: string }) => {
  const timeZone = useTimeZone();
  const duration = durationText(secondsBetween(moment, useNow()));
  return (
    <time dateTime={moment} style={{ whiteSpace: "nowrap" }} title={`${momentText(moment, timeZone)} ${timeZone}`}>
      {ago ? texts.common.ago(duration) : duration}
    </time>
  );
};
