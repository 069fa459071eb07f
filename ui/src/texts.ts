/**
 * Every text of the pages, in one file, ready to be translated. Each view has a part of its own, named like it.
 *
 * What the server says (errors, reasons, rules) is shown as it is.
 */
import { number, plural } from "./plurals";

export const texts = {
  app: {
    navigation: "Views of triggers",
    title: "Triggers",
  },
  views: {
    attention: "Needs attention",
    configuration: "Configurations",
    fires: "Fires",
    session: "Session",
    sessions: "Sessions",
  },
  status: {
    abandoned: "abandoned",
    failed: "failed",
    finished: "finished",
    replayed: "replayed",
    running: "running",
    scheduled: "scheduled",
    skipped: "skipped",
    unstarted: "unstarted",
  },
  statusHint: {
    abandoned: "It will never run: what it waits for cannot come any more.",
    failed: "Its run failed. Replay it or skip it.",
    finished: "Its run succeeded.",
    replayed: "It failed, and a replay has taken its place.",
    running: "Its run is running.",
    scheduled: "Its run is queued in Airflow.",
    skipped: "Somebody skipped it.",
    unstarted: "It waits for triggers.",
  },
  errors: {
    loggedOut: "Your login has ended. Reload the page and log in again.",
    noRights: "You may not see this.",
    broken: "This page has failed.",
    reload: "Reload the page",
    retry: "Try again",
    status: (status: number) => `The server answered with status ${status} and said no more.`,
    title: "This could not be read.",
    unreachable: "The server does not answer. Is it running, and is your network up?",
  },
  controller: {
    unhealthy: "The triggers controller is not well.",
  },
  common: {
    ago: (duration: string) => `${duration} ago`,
    cancel: "Cancel",
    clearFilters: "Clear filters",
    close: "Close",
    confirm: "Confirm",
    loadMore: "Load more",
    loading: "Loading …",
    none: "–",
    selectAll: "Select all rows",
    selectRow: (name: string) => `Select ${name}`,
    selected: (count: number) => plural(count, { one: "# selected", other: "# selected" }),
  },
  json: {
    invalid: (reason: string) => `This is no valid JSON: ${reason}`,
    noObject: "This is JSON, but no object. Write {…}.",
  },
  repairs: {
    begun: {
      replay: (count: number) => plural(count, { one: "# replay has begun", other: "# replays have begun" }),
      skip: (count: number) => plural(count, { one: "# skip has begun", other: "# skips have begun" }),
    },
    choice: {
      replay: "With other kwargs",
      skip: "Go on as if it had finished (cascade)",
    },
    done: { replay: "Replayed", skip: "Skipped" },
    effect: {
      replay: "A new instance runs in place of the failed one. The failed run stays in Airflow.",
      skip: "The failed instance is waived and does not run again. This cannot be undone.",
    },
    failed: { replay: "The replay was refused", skip: "The skip was refused" },
    hint: {
      replay: "By trigger. They replace all kwargs of the failed instance.",
      skip: "The kwargs of the cascade. They are kept as its result.",
    },
    json: { replay: "Kwargs", skip: "Result" },
    label: { replay: "Replay", skip: "Skip" },
    many: {
      replay: (count: number) => `Replay ${number(count)} …`,
      skip: (count: number) => `Skip ${number(count)} …`,
    },
    one: {
      replay: (name: string, session: string) => `Replay ${name} of ${session}`,
      skip: (name: string, session: string) => `Skip ${name} of ${session}`,
    },
    preview: {
      replay: (allowed: number, total: number) => `${number(allowed)} of ${number(total)} will be replayed.`,
      skip: (allowed: number, total: number) => `${number(allowed)} of ${number(total)} will be skipped.`,
    },
    refused: (count: number) => plural(count, { one: "# will be refused:", other: "# will be refused:" }),
    refusedList: "Instances that will be refused",
    sameForAll: "All of them get the same.",
    titleOfMany: {
      replay: (count: number) => plural(count, { one: "Replay # instance?", other: "Replay # instances?" }),
      skip: (count: number) => plural(count, { one: "Skip # instance?", other: "Skip # instances?" }),
    },
    titleOfOne: {
      replay: (name: string, session: string) => `Replay ${name} of ${session}?`,
      skip: (name: string, session: string) => `Skip ${name} of ${session}?`,
    },
    why: "Why?",
    whyOf: (name: string) => `Why: ${name}`,
  },
  bulk: {
    by: (user: string | null) => (user === null ? "Begun" : `Begun by ${user}`),
    cancel: "Stop",
    cancelFailed: "It could not be stopped",
    cancelled: "Stopped. What was done stays done.",
    instance: "Instance",
    list: "What has become of each instance",
    outcome: {
      cancelled: "not begun",
      done: "done",
      left_out: "left out",
      refused: "refused",
      unchanged: "nothing to do",
    },
    outcomes: "Outcome",
    progress: (ended: number, total: number, state: string) => `${number(ended)} of ${number(total)}, ${state}`,
    progressLabel: "Progress",
    reason: "Why",
    replayedAs: (name: string) => `replayed as ${name}`,
    state: { cancelled: "stopped", done: "done", pending: "waiting for the controller", running: "running" },
    title: (id: string) => `Bulk act ${id}`,
    titleOf: (act: string, count: number) =>
      `${act.replace("_", " ")}: ${plural(count, { one: "# instance", other: "# instances" })}`,
    waiting: "waiting",
  },
  sessions: {
    all: "all",
    age: "Age",
    changed: "Last change",
    configuration: "Configuration",
    contains: "Search for a session",
    count: (count: number) => plural(count, { one: "# session", other: "# sessions" }),
    empty: "No sessions yet",
    emptyDetail: "A session begins with the first trigger that is fired into it.",
    instances: "Instances",
    list: "Sessions",
    more: (count: number) => `the first ${number(count)} sessions`,
    nothingMatches: "No session matches",
    nothingMatchesDetail: "Change or clear the filters.",
    outdated: "other rules than the deployed ones",
    uid: "Session",
  },
} as const;
