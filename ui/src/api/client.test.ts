import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { ApiError, path, request, requestAirflow } from "./client";

const answer = (body: BodyInit | null, init: ResponseInit = {}) => {
  const fetched = vi.fn(async (_url: URL, _init: RequestInit) => new Response(body, init));
  vi.stubGlobal("fetch", fetched);
  return fetched;
};

const errorOf = async (promise: Promise<unknown>): Promise<ApiError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
};

beforeEach(() => {
  vi.stubGlobal("document", { baseURI: "https://airflow.example/some/base/" });
});

afterEach(() => {
  vi.unstubAllGlobals();
});

it("asks below the base path of Airflow's page", async () => {
  const fetched = answer("{}");

  await request("/sessions", { query: { contains: "a b" } });
  await requestAirflow("ui/config");

  expect(fetched.mock.calls.map(([url]) => url.href)).toEqual([
    "https://airflow.example/some/base/triggers/api/v1/sessions?contains=a+b",
    "https://airflow.example/some/base/ui/config",
  ]);
});

it("encodes names in a path", () => {
  expect(path("/sessions/{}/instances/{}", "a/b", "t_a#0")).toBe("/sessions/a%2Fb/instances/t_a%230");
});

it("sends a body as JSON", async () => {
  const fetched = answer('{"name": "t_a#1"}');

  await expect(request("/x", { body: { why: "ä" }, method: "POST" })).resolves.toEqual({ name: "t_a#1" });

  expect(fetched.mock.calls[0]?.[1]).toMatchObject({
    body: '{"why":"ä"}',
    headers: { "Content-Type": "application/json" },
    method: "POST",
  });
});

describe("an error has the sentence", () => {
  it("of our API", async () => {
    answer('{"reason": "SessionNotFound", "detail": "There is no session \'x\'."}', { status: 404 });

    expect(await errorOf(request("/sessions/x"))).toMatchObject({
      message: "There is no session 'x'.",
      reason: "SessionNotFound",
      status: 404,
    });
  });

  it("of problem details without a detail: their title", async () => {
    answer('{"type": "about:blank", "title": "Conflict"}', { status: 409 });

    expect((await errorOf(request("/x"))).message).toBe("Conflict");
  });

  it("that the login has ended", async () => {
    answer('{"reason": "NotAuthenticated", "detail": "…"}', { status: 401 });

    expect((await errorOf(request("/x"))).message).toContain("log in again");
  });

  it("with the status, when a proxy answers with a page", async () => {
    answer("<html>", { status: 502 });

    expect((await errorOf(request("/x"))).message).toContain("502");
  });

  it("that nobody answers", async () => {
    vi.stubGlobal("fetch", vi.fn(async () => Promise.reject(new TypeError("Failed to fetch"))));

    expect(await errorOf(request("/x"))).toMatchObject({ status: 0 });
  });
});
