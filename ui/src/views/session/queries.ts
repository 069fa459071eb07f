import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { path, request } from "~/api/client";
import type {
  FireResult,
  HistoryPage,
  HookCall,
  Instance,
  InstanceDetail,
  InstanceStatus,
  SessionInstancesPage,
  SessionDetail,
} from "~/api/types";
import type { JsonObject } from "~/components/json/jsonObject";
import type { Params } from "~/viewState";

const PAGE_SIZE = 200;

/** How much of each list the waterfall shows. */
const NEWEST = 100;

/** The session, with the newest of each of its lists. */
export const sessionQuery = (uid: string) =>
  queryOptions({
    queryFn: async ({ signal }) => request<SessionDetail>(path("/sessions/{}", uid), { query: { limit: NEWEST }, signal }),
    queryKey: ["session", uid],
  });

/** The session's instances, page after page, newest first. */
export const instancesQuery = (uid: string, filters: Params) =>
  infiniteQueryOptions({
    getNextPageParam: (page: SessionInstancesPage) => page.next ?? undefined,
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) =>
      request<SessionInstancesPage>(path("/sessions/{}/instances", uid), {
        query: { ...filters, after: pageParam, limit: PAGE_SIZE },
        signal,
      }),
    queryKey: ["session", uid, "instances", filters],
  });

/** One instance with its chain of replays, and what the reader may do with it. */
export const instanceQuery = (uid: string, name: string) =>
  queryOptions({
    queryFn: async ({ signal }) => request<InstanceDetail>(path("/sessions/{}/instances/{}", uid, name), { signal }),
    queryKey: ["session", uid, "instance", name],
  });

/** The history, page after page, newest first. */
export const historyQuery = (uid: string, filters: Params) =>
  infiniteQueryOptions({
    getNextPageParam: (page: HistoryPage) => page.next ?? undefined,
    initialPageParam: undefined as string | undefined,
    queryFn: async ({ pageParam, signal }) =>
      request<HistoryPage>(path("/sessions/{}/history", uid), {
        query: { ...filters, before: pageParam, limit: PAGE_SIZE },
        signal,
      }),
    queryKey: ["session", uid, "history", filters],
  });

// -- acts ---------------------------------------------------------------------------------------------------------

export type FireArguments = {
  readonly fireAt: string | undefined;
  readonly idempotencyKey: string;
  readonly kwargs: JsonObject;
  readonly trigger: string;
};

/** Fires a trigger. The key makes a second click, or a request sent again, count once. */
export const fire = async (uid: string, { fireAt, idempotencyKey, kwargs, trigger }: FireArguments) =>
  request<FireResult>(path("/sessions/{}/fires", uid), {
    body: { fire_at: fireAt ?? null, idempotency_key: idempotencyKey, kwargs, trigger },
    method: "POST",
  });

const actOn = (act: string) => async (uid: string, name: string, body?: unknown) =>
  request<Instance>(path(`/sessions/{}/instances/{}/${act}`, uid, name), { body: body ?? {}, method: "POST" });

const setInstanceStatus = actOn("status");
const resolveInstanceLogs = actOn("resolve-logs");

export type StatusArguments = {
  readonly cascade: boolean;
  readonly metadata: JsonObject;
  readonly result: JsonObject | null;
  readonly status: InstanceStatus;
};

export const setStatus = async (uid: string, name: string, args: StatusArguments) => setInstanceStatus(uid, name, args);

export const resolveLogs = async (uid: string, name: string) => resolveInstanceLogs(uid, name);

export const cancelDelayedFire = async (uid: string, id: number) =>
  request<unknown>(path("/sessions/{}/delayed-fires/{}", uid, String(id)), { method: "DELETE" });

export const retryDelayedFire = async (uid: string, id: number) =>
  request<unknown>(path("/sessions/{}/delayed-fires/{}/retry", uid, String(id)), { method: "POST" });

export const callHook = async (uid: string, id: number) =>
  request<HookCall>(path("/sessions/{}/hooks/{}/call", uid, String(id)), { method: "POST" });
