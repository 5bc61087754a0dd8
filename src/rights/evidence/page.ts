import type { RightsEvidence } from "#schemas";
import { html, styleSheet } from "../html.ts";
import { BASES, REQUESTED, spelled } from "../in-words.ts";
import { writtenOut, writtenTime } from "../written-date.ts";

/** The evidence for people to read and print; the JSON is what is signed. Self-contained, without scripts. */
export function evidencePage(evidence: RightsEvidence): string {
  const { controller, request, clock, moves, platforms, notices, erasure, audit, issuedAt, proof } = evidence;
  const { timeZone } = clock;
  const at = (time: string | null) => (time === null ? "–" : writtenTime({ at: time, timeZone }));
  const day = (time: string | null) => (time === null ? "–" : writtenOut({ at: time, timeZone }));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Rights request ${request.id}</title>
${STYLE.element}
</head>
<body>
<h1>Rights request ${request.id}</h1>
<p>A request to <strong>${controller.name}</strong> for ${REQUESTED[request.kind]}: <strong>${spelled(request.status)}</strong>.</p>
<h2>Times</h2>
<table><tbody>
${row("Law", spelled(request.regime))}
${row("Received", at(clock.receivedAt))}
${row("Clock started", at(clock.startedAt))}
${clock.pauses.map(({ from, until }) => row("Stood still", `${at(from)} to ${at(until)}`))}
${row("Acknowledged", `${at(clock.acknowledgedAt)}; due ${day(clock.acknowledgeBy)}`)}
${row("Closed", `${at(clock.closedAt)}; due ${day(clock.answerBy)}`)}
${row("In time", clock.inTime === null ? "no time was set" : clock.inTime ? "yes" : "no")}
${row("The person was verified by", request.verification === null ? "–" : spelled(request.verification))}
${request.denialReason === null ? undefined : row("Denied because of", spelled(request.denialReason))}
${request.extensionReason === null ? undefined : row("Extended because of", spelled(request.extensionReason))}
</tbody></table>
<h2>Who decided what</h2>
${table(
  ["When", "Became", "By", "Why"],
  moves.map((move) => [
    at(move.at),
    spelled(move.to),
    move.actor,
    [move.reason, move.note].filter(Boolean).join(": "),
  ]),
)}
<h2>What became of it</h2>
${table(
  ["Where", "Outcome", "Why", "Until", "By"],
  platforms.map((task) => [
    task.connector ?? "the hub itself",
    spelled(task.status),
    [
      task.reason === null ? null : spelled(task.reason),
      task.basis === null ? null : BASES[task.basis],
      task.categories?.map(spelled).join(", "),
      task.error,
      task.note,
    ]
      .filter(Boolean)
      .join("; "),
    task.basis === null ? "" : task.until === null ? "not known" : at(task.until),
    task.actor ?? "",
  ]),
)}
<h2>Who was told</h2>
${table(
  ["What", "When", "Outcome"],
  notices.map((notice) => [notice.notice, at(notice.settledAt), notice.status]),
)}
${
  erasure === null
    ? undefined
    : html`<h2>Erasure</h2>
<p>The hub's own records became nobody's on ${at(erasure.erasedAt)}. Backups of its database may hold them, sealed, until ${at(erasure.backupsGoneBy)}.</p>`
}
<h2>Proof</h2>
<p>Issued ${at(issuedAt)} by ${controller.did}, signed with ${proof.verificationMethod}. The JSON that belongs to this page has that signature and ${audit.events.length} events of the audit log with the proof that they are in it: <code>lethe rights evidence --verify evidence.json --did did.json</code> checks it without a network.</p>
</body>
</html>
`.markup;
}

const row = (name: string, value: string) => html`<tr><th scope="row">${name}</th><td>${value}</td></tr>\n`;

function table(head: readonly string[], rows: readonly (readonly string[])[]) {
  if (rows.length === 0) return html`<p>Nothing.</p>`;
  return html`<table><thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead><tbody>
${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>\n`)}</tbody></table>`;
}

const STYLE = styleSheet(`
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; }
th, td { border: 1px solid; padding: .25rem .5rem; text-align: left; vertical-align: top; }
`);
