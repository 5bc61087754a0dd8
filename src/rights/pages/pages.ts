import type { RightsKind } from "#schemas";
import { html } from "../html.ts";
import { REQUESTED } from "../in-words.ts";
import { type When, writtenOut } from "../written-date.ts";
import { type Page, page } from "./page.ts";

/** What every page may know: nothing of the person. */
export interface PageFacts {
  /** The controller's name. */
  readonly controller: string;
  readonly kind: RightsKind;
}

/**
 * The pages that a person sees who follows a link of our mail. Whatever does something is a button, which sends a POST to
 * the page's own address: programs that check mail follow links, and would confirm or use them up. Pure functions.
 */
export const pages = {
  /** Answers GET of a link that counts. */
  confirm: ({ controller, kind }: PageFacts): Page =>
    page("Confirm your request", [
      html`<p>Somebody, probably you, asked <strong>${controller}</strong> for ${REQUESTED[kind]}.</p>`,
      html`<p>Was it you? Then confirm it, and ${controller} will deal with it.</p>`,
      html`<form method="post"><button>Yes, I made this request</button></form>`,
      html`<p>If it was not you, close this page. Nothing is handed out, changed or erased then.</p>`,
    ]),

  /** Answers the POST. The passphrase is shown now and never again: for access and portability. */
  confirmed: ({
    controller,
    kind,
    due,
    passphrase,
  }: PageFacts & { readonly due?: When | undefined; readonly passphrase?: string }): Page =>
    page("Thank you, your request is confirmed", [
      passphrase === undefined
        ? undefined
        : html`<section aria-labelledby="passphrase">
<h2 id="passphrase">Write this down now</h2>
<p>Your data will be in an encrypted file. This passphrase opens it, with its hyphens. It is shown only here and only once, and it will be in no e-mail:</p>
<p class="passphrase" translate="no">${passphrase}</p>
</section>`,
      html`<h2>What happens next</h2>`,
      html`<p>${controller} has your request for ${REQUESTED[kind]}. You will have an answer by e-mail${due === undefined ? "" : ` by ${writtenOut(due)} at the latest`}.</p>`,
      passphrase === undefined
        ? html`<p>You need not do anything. You can close this page.</p>`
        : html`<p>The e-mail will have a link to download the file. If you lose the passphrase, make a new request.</p>`,
    ]),

  /** A link that was used, whatever it was for. */
  used: ({ controller }: Pick<PageFacts, "controller">): Page =>
    page(
      "This link has been used",
      [
        html`<p>It works only once, and it did. If you confirmed a request with it, ${controller} has it, and you need not do anything.</p>`,
        html`<p>If it was not you who used it, tell ${controller}.</p>`,
      ],
      410,
    ),

  expired: ({ controller }: Pick<PageFacts, "controller">): Page =>
    page(
      "This link does not work any more",
      [html`<p>Its time is over. If you still want what it was for, ask ${controller} again.</p>`],
      410,
    ),

  /** An address that no link of ours has. Says nothing of anybody. */
  unknown: (): Page =>
    page(
      "There is nothing here",
      [
        html`<p>Please look whether the address is whole: some mail programs break long links into two. You can copy it from the e-mail, from its beginning to its end.</p>`,
      ],
      404,
    ),

  /** Answers GET of the link to a bundle; its POST is the download. `bytes`: the file's size. */
  download: ({
    controller,
    expires,
    bytes,
  }: {
    readonly controller: string;
    readonly expires: When;
    readonly bytes: number;
  }): Page =>
    page("Your data are ready", [
      html`<p>This is what <strong>${controller}</strong> and the services that it uses know of you: a ZIP file of ${inUnits(bytes)}, until ${writtenOut(expires)}.</p>`,
      html`<form method="post"><button>Download the file</button></form>`,
      html`<h2>How to open it</h2>`,
      html`<p>You need the passphrase that was shown when you confirmed your request, with its hyphens. The file is encrypted with AES-256; Windows and macOS may not open it by themselves, 7-Zip, Keka and PeaZip do. Begin with <code>report.html</code>.</p>`,
    ]),
};

function inUnits(bytes: number): string {
  const [unit, size] = bytes < 1_000_000 ? ["kB", bytes / 1_000] : ["MB", bytes / 1_000_000];
  return `${Math.max(1, Math.round(size))} ${unit}`;
}
