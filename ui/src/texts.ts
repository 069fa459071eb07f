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
