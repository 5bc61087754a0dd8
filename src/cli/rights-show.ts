import type { Command } from "commander";
import { showRightsRequest } from "#rights";
import type { RightsCaseView, RightsTaskView } from "#schemas";
import { command, uuidArgument, withRooms } from "./command.ts";
import { output, paint, shortTime, table } from "./print.ts";
import { withRequest } from "./rights.ts";

export function rightsShowCommand(): Command {
  return command(
    "show <request>",
    "show one request: what happened when and why, what is due, what became of it at each platform",
    ["rights show 7c1e…", "rights show 7c1e… --json"],
    uuidArgument,
  ).action((id: string, options: { json?: boolean }) =>
    withRooms(async (rooms) => {
      const shown = await withRequest(rooms, id, (tx, _request, keys) => showRightsRequest(tx, keys, id));
      if (shown !== undefined) output(options.json === true, shown, people);
    }),
  );
}

function people(request: RightsCaseView): string {
  const { kind, regime, status, source, connector, clock, timeZone } = request;
  const by =
    source === "platform" ? `by ${connector}` : source === "api" ? "by the person" : "by an operator";
  const facts: [string, string][] = [
    ["request", request.id],
    ["what", `${kind.replaceAll("_", " ")} (${regime}), recorded ${by}`],
    ["status", status.replace("_", " ")],
    ["subject", request.subject ?? "nobody is known by it"],
    ["received", shortTime(request.receivedAt)],
    ["acknowledge by", clock.acknowledgeBy === null ? "–" : shortTime(clock.acknowledgeBy)],
    ["answer by", due(request)],
    ...(clock.extendBefore === null || request.closedAt !== null
      ? []
      : [["extend before", shortTime(clock.extendBefore)] satisfies [string, string]]),
    ["days end in", timeZone],
    ...request.holds.map(
      ({ ground, reference }) =>
        ["legal hold", paint("red", `${ground}: ${reference}`)] satisfies [string, string],
    ),
    ...(request.downloadUntil === null
      ? []
      : [["download until", shortTime(request.downloadUntil)] satisfies [string, string]]),
  ];
  return [
    facts.map(([name, value]) => `${paint("bold", name.padEnd(15))} ${value}`).join("\n"),
    "",
    table(
      request.moves.map(({ at, to, actor, reason, note }) => ({
        at: shortTime(at),
        moved: to.replace("_", " "),
        by: actor,
        why: [reason, note].filter(Boolean).join(": ") || "–",
      })),
      "",
    ),
    ...(request.platforms.length === 0
      ? []
      : [
          table(
            request.platforms.map((task) => ({
              task: task.id,
              where: task.connector ?? "the hub itself",
              outcome: painted(task),
              more: moreOf(task),
            })),
            "",
          ),
        ]),
    ...(request.notices.length === 0
      ? []
      : [
          table(
            request.notices.map(({ notice, status: told, error, createdAt, settledAt }) => ({
              told: notice,
              outcome: told === "nobody" ? "nobody: no address, or no mail server" : told,
              why: error ?? "–",
              at: shortTime(settledAt ?? createdAt),
            })),
            "",
          ),
        ]),
    next(request),
  ]
    .filter((part) => part !== "")
    .join("\n");
}

function due({ clock, paused, dueAt, overdue }: RightsCaseView): string {
  if (paused) return "its clock stands still";
  if (clock.startsAt === null) return "its clock starts when the person is verified";
  return dueAt === null
    ? "nobody set a time"
    : overdue
      ? paint("red", `${shortTime(dueAt)}, overdue`)
      : shortTime(dueAt);
}

function painted({ status, reason }: RightsTaskView): string {
  const text = status.replace("_", " ");
  if (status === "failed" || status === "manual")
    return paint(reason === "given_up" ? "red" : "yellow", text);
  return status === "done_verified" ? paint("green", text) : text;
}

function moreOf({ reason, error, basis, categories, until, note, entries }: RightsTaskView): string {
  return (
    [
      reason,
      error,
      basis === null ? null : `${basis}, ${until === null ? "no end known" : `until ${shortTime(until)}`}`,
      categories === null ? null : categories.join(", "),
      entries === null || entries === 1 ? null : `${entries} found`,
      note,
    ]
      .filter((part) => part !== null)
      .join("; ") || "–"
  );
}

function next({ id, status, platforms, holds, source, toHandOver }: RightsCaseView): string {
  if (toHandOver) return `Next: lethe rights bundle ${id} --out <file>, and give it to the person.`;
  if (holds.length > 0) return "Release the hold (lethe subjects release), or deny it.";
  if (status === "received" && source === "platform")
    return `It is from before this hub carried such out by itself. Next: lethe rights approve ${id}, or, if it was done by hand, lethe rights cancel ${id}`;
  if (status === "verified") return `Next: lethe rights approve ${id}, or lethe rights deny ${id} --reason …`;
  if (status === "verifying" && source === "operator")
    return `Next: lethe rights verify ${id} --by …, or wait until the person confirms by e-mail.`;
  const waiting = platforms.find(
    (task) => (task.status === "manual" || task.status === "failed") && task.reason !== "given_up",
  );
  if (status === "fulfilling" && waiting !== undefined)
    return `Next: do it there by hand, then lethe rights complete-task ${waiting.id} --note …; or lethe rights retry ${waiting.id}`;
  return "";
}
