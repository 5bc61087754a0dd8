import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { collected } from "#kit";
import { type BundleFacts, buildBundle } from "../src/rights/bundle/index.ts";
import { type Page, pages } from "../src/rights/pages/index.ts";
import { type Browser, findBrowser } from "./support/browser.ts";
import { FACTS as BUNDLE, filesOf, PASSPHRASE, SHOPIFY } from "./support/bundle.ts";

const FACTS = { controller: "Acme & Söhne <GmbH>", kind: "access" } as const;
const DUE = { at: "2026-02-28", timeZone: "Europe/Berlin" };
const BYTES = Buffer.from("PK the bundle");

const found = findBrowser();
if ("missing" in found) console.warn(`test/pages.test.ts is skipped: ${found.missing}`);

/** The hub's pages as a browser shows them, in earnest. */
describe.skipIf("missing" in found)("in a browser", () => {
  let browser: Browser;
  let server: Server;
  let url = "";
  /** What the server was asked for, and what it answers, by method. */
  let asked: string[] = [];
  let answers: Record<string, Page | "file"> = {};
  const open: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    if ("missing" in found) return;
    browser = await found.start();
    server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const answer = answers[request.method ?? ""] ?? pages.unknown();
      if (answer !== "file") return void response.writeHead(answer.status, answer.headers).end(answer.html);
      const disposition = 'attachment; filename="personal-data.zip"';
      response
        .writeHead(200, { "content-type": "application/zip", "content-disposition": disposition })
        .end(BYTES);
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const address = server.address();
    url = `http://127.0.0.1:${typeof address === "object" ? address?.port : 0}/rights/confirm/T0ken?x=1`;
  });
  afterAll(async () => {
    await browser?.close();
    server?.close();
  });
  afterEach(async () => {
    asked = [];
    for (const close of open.splice(0)) await close();
  });

  /** Opens a page, and notes what it complains of (a policy that was hit says so) and what it asks for. */
  async function visit(address: string, options: Parameters<Browser["newContext"]>[0] = {}) {
    const context = await browser.newContext(options);
    open.push(() => context.close());
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on("console", (message) => complaints.push(message.text()));
    page.on("request", (request) => requests.push(`${request.method()} ${request.url()}`));
    page.on("dialog", (dialog) => {
      complaints.push("a dialog opened");
      void dialog.dismiss();
    });
    const response = await page.goto(address);
    return { page, complaints, requests, status: response?.status() };
  }

  test("a confirmation is sent by its button, by keyboard alone and without scripts, and by nothing before", async () => {
    answers = {
      GET: pages.confirm(FACTS),
      POST: pages.confirmed({ ...FACTS, due: DUE, passphrase: PASSPHRASE }),
    };
    const { page, complaints, requests } = await visit(url, { javaScriptEnabled: false });
    expect(await page.locator("main").ariaSnapshot()).toBe(`- main:
  - heading "Confirm your request" [level=1]
  - paragraph:
    - text: Somebody, probably you, asked
    - strong: Acme & Söhne <GmbH>
    - text: for a copy of your personal data.
  - paragraph: Was it you? Then confirm it, and Acme & Söhne <GmbH> will deal with it.
  - button "Yes, I made this request"
  - paragraph: If it was not you, close this page. Nothing is handed out, changed or erased then.`);
    expect(requests).toEqual([`GET ${url}`]);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await expect.poll(() => page.getByRole("heading", { name: "Write this down now" }).count()).toBe(1);
    expect(requests).toEqual([`GET ${url}`, `POST ${url}`]);
    expect(asked.filter((line) => line.startsWith("POST"))).toEqual(["POST /rights/confirm/T0ken?x=1"]);
    expect(await page.getByRole("region", { name: "Write this down now" }).innerText()).toContain(PASSPHRASE);
    expect(complaints).toEqual([]);
  });

  test("a download is a file, and the page stays", async () => {
    answers = { GET: pages.download({ ...FACTS, expires: DUE, bytes: BYTES.length }), POST: "file" };
    const { page, complaints } = await visit(url);
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Download the file" }).click(),
    ]);
    expect(download.suggestedFilename()).toBe("personal-data.zip");
    expect(readFileSync(await download.path())).toEqual(BYTES);
    expect(await page.getByRole("heading", { name: "How to open it" }).isVisible()).toBe(true);
    expect(complaints).toEqual([]);
  });

  test.each([
    ["confirm", pages.confirm(FACTS)],
    ["confirmed", pages.confirmed({ ...FACTS, due: DUE, passphrase: PASSPHRASE })],
    ["used", pages.used(FACTS)],
    ["expired", pages.expired(FACTS)],
    ["unknown", pages.unknown()],
    ["download", pages.download({ ...FACTS, expires: DUE, bytes: 1 })],
  ])("the page %s is styled under its own policy, and fits a small screen", async (_, shown) => {
    answers = { GET: shown };
    const { page, complaints, status } = await visit(url, {
      viewport: { width: 320, height: 640 },
      colorScheme: "dark",
    });
    expect(status).toBe(shown.status);
    // A page that is not 200 is complained of as that, which is none of its own doing.
    expect(complaints.filter((text) => !text.includes(`status of ${shown.status}`))).toEqual([]);
    expect(await page.evaluate("getComputedStyle(document.querySelector('h1')).fontSize")).toBe("24px");
    // WCAG 2.2, 1.4.10 (Reflow): no scrolling in two directions at a width of 320 CSS pixels.
    expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(320);
  });

  test("what got into a page after all would neither run nor load nor look like anything", async () => {
    const confirm = pages.confirm(FACTS);
    const smuggled = `<script>document.title = "taken"</script><img src="/image" onerror="document.title = 'taken'"><p id="p" style="position: fixed">x</p><base href="https://evil.example/"><style>body { display: none }</style>`;
    answers = { GET: { ...confirm, html: confirm.html.replace("</h1>", `</h1>${smuggled}`) } };
    const { page, complaints } = await visit(url);
    expect(await page.evaluate("document.title")).toBe("Confirm your request");
    expect(await page.evaluate("getComputedStyle(document.querySelector('#p')).position")).toBe("static");
    expect(await page.evaluate("getComputedStyle(document.body).display")).toBe("block");
    expect(await page.evaluate("document.baseURI")).toBe(url);
    expect(asked.filter((line) => line.includes("image"))).toEqual([]);
    expect(complaints.length).toBeGreaterThanOrEqual(4);
  });

  test("the report opens from a disk, with what a hostile customer called themselves in it as text", async () => {
    const hostile = `"><script>document.title = "taken"</script><img src=x onerror="document.title='taken'"><a href="javascript:alert(1)">`;
    const platform = {
      ...{ name: "Shopify", connectionId: SHOPIFY, outcome: "done" as const },
      sets: [collected("customers", ["name"], [{ name: hostile, [hostile]: "</td></table></main>" }])],
    };
    const { page, complaints, requests } = await visit(await reportOf({ ...BUNDLE, platforms: [platform] }));
    expect(complaints).toEqual([]);
    expect(requests).toHaveLength(1);
    expect(await page.evaluate("document.title")).toBe("Your personal data at Acme & Söhne GmbH");
    expect(
      await page.evaluate("document.querySelectorAll('script, img, a:not([href^=\"#\"]), [onerror]').length"),
    ).toBe(0);
    const table = page.getByRole("table", { name: "customers, 1 of 1" });
    expect(await table.innerText()).toContain(hostile);
    expect(await page.getByRole("rowheader", { name: "name", exact: true }).count()).toBe(1);
    expect(await page.locator("nav").ariaSnapshot()).toContain('- link "Shopify":');
    expect(await page.evaluate("getComputedStyle(document.querySelector('table')).borderCollapse")).toBe(
      "collapse",
    );
  });

  /** Where the report of a bundle lies unpacked. */
  async function reportOf(facts: BundleFacts): Promise<string> {
    const folder = mkdtempSync(join(tmpdir(), "lethe-report-"));
    open.push(async () => rmSync(folder, { recursive: true }));
    const path = join(folder, "report.html");
    writeFileSync(path, (await filesOf(await buildBundle(facts)))["report.html"] ?? "");
    return pathToFileURL(path).href;
  }
});
