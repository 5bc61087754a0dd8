import type { Context } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { describeError, LetheError, type Problem } from "#schemas";

const TITLES: Record<number, string> = {
  400: "Bad request",
  401: "Not verified",
  403: "Not allowed",
  404: "Not found",
  405: "Method not allowed",
  409: "Conflict",
  413: "Too large",
  415: "Unsupported media type",
  429: "Too many requests",
  503: "Unavailable",
};

/** Answers an error as RFC 9457 problem details: code and advice, nothing of the request. */
export function problem(context: Context, error: unknown): Response {
  const status = error instanceof LetheError ? error.status : 500;
  const { code, message } = describeError(error);
  const body: Problem = {
    type: `urn:lethe:problem:${code.replace("/", ":")}`,
    title: TITLES[status] ?? "Internal error",
    status,
    detail: message,
    code,
  };
  if (status === 503) context.header("retry-after", "5");
  if (status === 429) context.header("retry-after", "60");
  context.header("content-type", "application/problem+json");
  return context.body(JSON.stringify(body), status as ContentfulStatusCode);
}
