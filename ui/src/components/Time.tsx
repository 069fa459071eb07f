import { useEffect, useState } from "react";

import { useTimeZone } from "~/airflow/timeZone";
import { texts } from "~/texts";
import { durationText, momentText, secondsBetween } from "~/times";

const TICK = 10_000;

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
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), TICK);
    return () => clearInterval(timer);
  }, []);
  const duration = durationText(secondsBetween(moment, now));
  return (
    <time dateTime={moment} style={{ whiteSpace: "nowrap" }} title={`${momentText(moment, timeZone)} ${timeZone}`}>
      {ago ? texts.common.ago(duration) : duration}
    </time>
  );
};
