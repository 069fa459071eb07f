/** Moments and durations as text. Moments come from REST as ISO 8601, with a zone. */
import { plural } from "./plurals";

const FORMATS = new Map<string, Intl.DateTimeFormat>();

const formatFor = (timeZone: string): Intl.DateTimeFormat => {
  const known = FORMATS.get(timeZone);
  if (known) {
    return known;
  }
  const format = new Intl.DateTimeFormat("en-CA", {
    day: "2-digit",
    hour: "2-digit",
    hourCycle: "h23",
    minute: "2-digit",
    month: "2-digit",
    second: "2-digit",
    timeZone,
    year: "numeric",
  });
  FORMATS.set(timeZone, format);
  return format;
};

/** A moment as Airflow writes it: `2026-11-27 18:25:01`, in the zone. */
export const momentText = (moment: string, timeZone: string): string => {
  const parts = new Map(formatFor(timeZone).formatToParts(new Date(moment)).map(({ type, value }) => [type, value]));
  const date = `${parts.get("year")}-${parts.get("month")}-${parts.get("day")}`;
  return `${date} ${parts.get("hour")}:${parts.get("minute")}:${parts.get("second")}`;
};

/** The moment at which a wall clock in the zone shows this: `2031-05-17T08:00`, as a field for moments has it. */
export const momentOfClock = (clock: string, timeZone: string): string => {
  const shown = Date.parse(`${clock}Z`);
  const offset = (moment: number): number =>
    Date.parse(`${momentText(new Date(moment).toISOString(), timeZone).replace(" ", "T")}Z`) - moment;
  // The zone's offset may change between the two: the second look is at the moment itself.
  return new Date(shown - offset(shown - offset(shown))).toISOString();
};

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A duration by its largest unit: `12 s`, `5 min`, `3 h`, `2 days`. */
export const durationText = (seconds: number): string => {
  const length = Math.max(0, seconds);
  if (length < MINUTE) {
    return `${Math.floor(length)} s`;
  }
  if (length < HOUR) {
    return `${Math.floor(length / MINUTE)} min`;
  }
  if (length < DAY) {
    return `${Math.floor(length / HOUR)} h`;
  }
  const days = Math.floor(length / DAY);
  return plural(days, { one: "# day", other: "# days" });
};

/** The seconds from one moment to another. */
export const secondsBetween = (from: string, to: number | string): number =>
  ((typeof to === "number" ? to : Date.parse(to)) - Date.parse(from)) / 1000;

const MOMENT = /\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?: UTC|Z|[+-]\d{2}:\d{2})/gu;

/** A part of a sentence: words, or a moment as ISO 8601. */
export type SentencePart = { readonly moment: string } | { readonly words: string };

/** A sentence of the server, with its moments apart: `t is to be fired at 2031-05-05 08:00:00 UTC.` */
export const sentenceParts = (sentence: string): readonly SentencePart[] => {
  const parts: SentencePart[] = [];
  let end = 0;
  for (const { 0: text, index } of sentence.matchAll(MOMENT)) {
    const moment = text.replace(" UTC", "Z").replace(" ", "T");
    if (!Number.isNaN(Date.parse(moment))) {
      parts.push({ words: sentence.slice(end, index) }, { moment });
      end = index + text.length;
    }
  }
  return [...parts, { words: sentence.slice(end) }].filter((part) => "moment" in part || part.words !== "");
};
