/** Repairs of instances: one at a time, or many as a bulk act that the controllers work off. */
import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";

import { path, request } from "~/api/client";
import type { BulkAct, BulkActsPage, BulkItemsPage, BulkPreview, InstanceFilter, InstanceKey, InstanceStatus } from "~/api/types";

export type RepairAct = "replay" | "skip";

/** The acts with a preview: a repair, or a status set by hand. */
export type PreviewedAct = RepairAct | "set_status";

export type RepairArguments = {
  readonly cascade?: boolean;
  readonly kwargs?: Readonly<Record<string, unknown>>;
  readonly result?: Readonly<Record<string, unknown>>;
};

export type PreviewArguments = RepairArguments & { readonly status?: InstanceStatus };

/**
 * What is repaired: named instances, or all that a filter selects.
 *
 * `filter` is asked when it is sent: a window of time ends then, and not when the page was drawn.
 */
export type RepairTarget =
  | { readonly filter: () => InstanceFilter; readonly kind: "filter"; readonly label: string; readonly total: number }
  | { readonly instances: readonly InstanceKey[]; readonly kind: "instances" };

/** How many instances it is about, as far as the page knows. */
export const sizeOf = (target: RepairTarget): number =>
  target.kind === "filter" ? target.total : target.instances.length;

const selectionOf = (target: RepairTarget) =>
  target.kind === "filter" ? { filter: target.filter() } : { instances: target.instances };

/** What an act would do, rights included; nothing is written. */
export const previewQuery = (act: PreviewedAct, args: PreviewArguments, target: RepairTarget) =>
  queryOptions({
    // The preview is of this moment: it is never taken from a dialog before.
    gcTime: 0,
    queryFn: async ({ signal }) =>
      request<BulkPreview>("/bulk-acts", {
        body: { act, arguments: args, dry_run: true, ...selectionOf(target) },
        method: "POST",
        signal,
      }),
    queryKey: ["bulk preview", act, args, selectionOf(target)],
  });

/** What a repair has led to: a bulk act that goes on, or nothing more to wait for. */
export type RepairAnswer = { readonly bulkActId?: number };

/** Repairs one instance at once; several become a bulk act. */
export const repair = async (act: RepairAct, args: RepairArguments, target: RepairTarget): Promise<RepairAnswer> => {
  const [only, ...others] = target.kind === "instances" ? target.instances : [];
  if (only !== undefined && others.length === 0) {
    await request(path(`/sessions/{}/instances/{}/${act}`, only.session_uid, only.name), { body: args, method: "POST" });
    return {};
  }
  const bulkAct = await request<BulkAct>("/bulk-acts", {
    body: { act, arguments: args, ...selectionOf(target) },
    headers: { "Idempotency-Key": crypto.randomUUID() },
    method: "POST",
  });
  return { bulkActId: bulkAct.id };
};

/** While a bulk act goes on, it is read this often, in milliseconds. */
export const BULK_INTERVAL = 1000;

export const isOver = (bulkAct: BulkAct | undefined): boolean =>
  bulkAct?.state === "done" || bulkAct?.state === "cancelled";

/** How many of its instances have an outcome. */
export const endedCount = ({ counts }: Pick<BulkAct, "counts">): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0);

export const bulkActQuery = (id: string) =>
  queryOptions({
    queryFn: async ({ signal }) => request<BulkAct>(path("/bulk-acts/{}", id), { signal }),
    queryKey: ["bulk act", id],
  });

const ITEMS_AT_ONCE = 100;

export const bulkItemsQuery = (id: string) =>
  infiniteQueryOptions({
    getNextPageParam: (page: BulkItemsPage) => page.next ?? undefined,
    initialPageParam: undefined as number | undefined,
    queryFn: async ({ pageParam, signal }) =>
      request<BulkItemsPage>(path("/bulk-acts/{}/outcomes", id), {
        query: { after: pageParam, limit: ITEMS_AT_ONCE },
        signal,
      }),
    queryKey: ["bulk act", id, "outcomes"],
  });

const ACTS_AT_ONCE = 20;

/** The newest bulk acts of the reader, and those of others that they may see. */
export const bulkActsQuery = queryOptions({
  queryFn: async ({ signal }) => request<BulkActsPage>("/bulk-acts", { query: { limit: ACTS_AT_ONCE }, signal }),
  queryKey: ["bulk acts"],
});

export const cancelBulkAct = async (id: string): Promise<BulkAct> =>
  request<BulkAct>(path("/bulk-acts/{}/cancel", id), { method: "POST" });
