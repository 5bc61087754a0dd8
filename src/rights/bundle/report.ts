import type { CollectedSet } from "#kit";
import { html, type Markup } from "../html.ts";
import { outcomeInWords, REQUESTED, spelled } from "../in-words.ts";
import { writtenDay, writtenTime } from "../written-date.ts";
import type { BundleFacts, PlatformPart } from "./facts.ts";
import { hubSection } from "./hub-section.ts";
import { type BundleFile, platformFile } from "./machine.ts";
import { readableRecords, recordsText } from "./records.ts";
import { STYLE } from "./style.ts";

/** Records of a set that are shown. The files for machines have all of them. */
const RECORDS_SHOWN = 500;

/**
 * `report.html`: all of it for people to read (GDPR Art. 12(1): "concise, transparent, intelligible and easily accessible").
 * Needs nothing from elsewhere and runs no script; a policy of its own sees to that, should a value ever look like one.
 */
export function report(facts: BundleFacts): BundleFile {
  const { request, controller, platforms, issuedAt } = facts;
  const time = (at: string) => writtenTime({ at, timeZone: controller.timeZone });
  const title = `Your personal data at ${controller.name}`;
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src ${STYLE.source}">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
${STYLE.element}
</head>
<body>
<header>
<h1>${title}</h1>
<p>You asked for ${REQUESTED[request.kind]} on ${writtenDay({ at: request.receivedAt, timeZone: controller.timeZone })}. This is the answer, made on ${time(issuedAt)}. Request ${request.id}.</p>
<p>The same is in <code>data.json</code> and the files beside it, in a form that programs can read.</p>
<nav aria-label="Contents">
<ul>
<li><a href="#hub">What we know in our privacy hub</a></li>
${platforms.map((platform, index) => html`<li><a href="#platform-${index + 1}">${platform.name}</a></li>\n`)}</ul>
</nav>
</header>
<main>
${hubSection(facts)}
${platforms.map((platform, index) => platformSection(facts, platform, index))}
</main>
</body>
</html>
`;
  return { name: "report.html", text: page.markup };
}

function platformSection(
  { request, controller }: BundleFacts,
  platform: PlatformPart,
  index: number,
): Markup {
  const day = (at: string) => writtenDay({ at, timeZone: controller.timeZone });
  return html`<section id="platform-${index + 1}" aria-labelledby="platform-${index + 1}-title">
<h2 id="platform-${index + 1}-title">What ${platform.name} holds</h2>
<p>${outcomeInWords(request.kind, platform, day)}</p>
${platform.sets.map((set) => setSection(platform, set, platformFile(index)))}</section>
`;
}

function setSection({ name }: PlatformPart, set: CollectedSet, file: string): Markup {
  const shown = readableRecords(recordsText(name, set), RECORDS_SHOWN);
  return html`<h3>${spelled(set.title)}: ${set.count}</h3>
${set.categories.length === 0 ? undefined : html`<p>Categories of data: ${set.categories.map(spelled).join(", ")}.</p>\n`}${set.incomplete === true ? html`<p><strong>There are more of these than could be collected. Ask us if you want the rest.</strong></p>\n` : undefined}${
  set.count > shown.length
    ? html`<p>The first ${shown.length} are shown here; all of them are in <code>${file}</code>.</p>\n`
    : undefined
}${shown.map(
  (rows, number) => html`<table>
<caption>${spelled(set.title)}, ${number + 1} of ${set.count}</caption>
<tbody>
${rows.map(([path, text]) => html`<tr><th scope="row"><bdi>${path === "" ? "value" : path}</bdi></th><td dir="auto">${text}</td></tr>\n`)}</tbody>
</table>
`,
)}`;
}
