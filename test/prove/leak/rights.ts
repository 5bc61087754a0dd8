import { readFileSync } from "node:fs";
import { join } from "node:path";
import { filesOf } from "../../support/bundle.ts";
import { inPostgres } from "../../support/search.ts";
import type { Canaries } from "./canaries.ts";
import { type Person, somebody, tell } from "./people.ts";
import { until } from "./until.ts";
import type { World } from "./world.ts";

/** What was handed over, and must be there and nowhere else. */
export interface HandedOver {
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What a simulated shop tells of anybody. */
export const TOLD_BY_PLATFORMS = ["Carla Canary", "1 Canary Wharf", "E14 5AB"];

/**
 * People who exercise their rights, by a platform, by themselves and by an operator: who are shown their data, corrected, and forgotten,
 * by the link and by the code, up to the file that they download. Throws where that does not work: nothing would be shown by it.
 */
export async function exerciseRights(world: World, canaries: Canaries): Promise<HandedOver> {
  const { lethe, shopify, rights } = world;
  const desk = deskOf(world, canaries);
  const jenny = somebody(world, canaries, "jenny");
  shopify.order(jenny.id);
  /** Known by a webhook alone: no platform has her any more. */
  const nora = { id: "706405506930379999", email: canaries.email("nora"), phone: canaries.phone("nora") };
  canaries.keep(nora.id, "nora");
  await tell(world, canaries, "customers-create", jenny);
  await tell(world, canaries, "customers-create", nora);

  // The shop asks for what it was asked: one is collected, the other is not there any more.
  const before = await desk.requests();
  await tell(world, canaries, "customers-data-request", jenny);
  await tell(world, canaries, "customers-redact", nora);
  const asked = await desk.newly(before, 2);
  for (const request of asked.values()) await desk.isOver(request);
  const files = new Map([
    ["the file for the shop", await takeByCommand(world, canaries, asked.get("access") ?? "")],
    ["the file that was downloaded", await takeByLink(world, canaries, desk, jenny.email)],
  ]);
  await correct(world, canaries, desk, jenny);
  await forget(world, canaries, desk, canaries.email("a stranger"), { isCustomer: false });
  await forget(world, canaries, desk, jenny.email, { isCustomer: true });

  await lethe.run(["rights", "open", "--controller", rights.controller, "--kind", "access", "--email", "-"], {
    input: canaries.email("a letter"),
  });
  // Who was erased is known by nothing any more.
  await lethe.run(["subjects", "find", "--controller", rights.controller, "--email", "-", "--json"], {
    ...{ input: nora.email, fails: true },
  });
  await desk.askInVain(canaries.email("whose mailbox refuses"));
  for (const { to, headers } of world.mailbox.messages)
    if (headers.get("to")?.join() !== to.join()) throw new Error("a message is addressed to somebody else");
  return { files };
}

/** An operator takes a file, to hand it over: its passphrase is shown to them, and stands nowhere else. */
async function takeByCommand(
  { lethe, folders }: World,
  canaries: Canaries,
  request: string,
): Promise<Uint8Array> {
  const out = join(folders.given, "handed-over.zip");
  const { passphrase } = await lethe.json<{ passphrase: string }>([
    ...["rights", "bundle", request, "--out", out],
  ]);
  lethe.printed.splice(0, Infinity, ...lethe.printed.map((text) => text.replaceAll(passphrase, "")));
  canaries.keep(passphrase, "a passphrase");
  return holding(new Uint8Array(readFileSync(out)), passphrase);
}

/** Somebody asks, confirms by the link, and downloads their file. */
async function takeByLink(world: World, canaries: Canaries, desk: Desk, email: string): Promise<Uint8Array> {
  const { request, link } = await desk.ask("access", email);
  await world.ask(link);
  const { text: page } = await world.ask(link, { method: "POST" });
  const passphrase = /translate="no">([^<]+)</.exec(page)?.[1] ?? "";
  // It stands in this page, and never again.
  world.answered.splice(-1, 1, (world.answered.at(-1) ?? "").replaceAll(passphrase, ""));
  canaries.keep(passphrase, "a passphrase");
  await world.lethe.run(["rights", "approve", request]);
  const ready = await desk.linkOf(request, "download");
  await world.ask(ready);
  const { bytes } = await world.ask(ready, { method: "POST" });
  await desk.isOver(request);
  return holding(bytes, passphrase);
}

/** A file that holds what it should, for whoever has the passphrase. */
async function holding(file: Uint8Array, passphrase: string): Promise<Uint8Array> {
  const read = Object.values(await filesOf(file, passphrase)).join("\n");
  if (TOLD_BY_PLATFORMS.some((told) => !read.includes(told.split(" ")[0] ?? "")))
    throw new Error("a file does not hold what it should");
  return file;
}

async function correct(world: World, canaries: Canaries, desk: Desk, { id, email }: Person): Promise<void> {
  const familyName = canaries.token("a correction");
  const { request, link } = await desk.ask("rectification", email, { corrections: { familyName } });
  await world.ask(link, { method: "POST" });
  await world.lethe.run(["rights", "approve", request]);
  await until("the shop has the right name", () => world.shopify.customer(id)?.lastName === familyName);
}

/** By the code of the message, and not by a wrong one. */
async function forget(
  { ask, lethe, rights, folders }: World,
  canaries: Canaries,
  desk: Desk,
  email: string,
  { isCustomer }: { isCustomer: boolean },
): Promise<void> {
  const { request, code } = await desk.ask("erasure", email);
  const verify = (given: string) =>
    ask(`/rights/${rights.controller}/${request}/verify`, desk.json({ code: given }));
  await verify("00000000");
  const { status } = await verify(code);
  if (status !== 200) throw new Error(`a code was answered with ${status}`);
  // It is shown with the request and its evidence, as whoever writes it is told: so it is sealed, and nowhere else.
  const note = canaries.token("an operator's note");
  await lethe.run(["rights", "approve", request, ...(isCustomer ? ["--note", note] : [])]);
  // The shop puts an erasure off: it has been asked for, and is looked at later.
  if (isCustomer) await desk.isAsked(request);
  else {
    await desk.isOver(request);
    await lethe.run(["rights", "evidence", request, "--out", join(folders.data, "evidence")]);
  }
  await lethe.run(["rights", "show", request], { shows: [note] });
}

type Desk = ReturnType<typeof deskOf>;

function deskOf(world: World, canaries: Canaries) {
  const { mailbox, folders } = world;
  const { controller } = world.rights;
  const json = (body: unknown): RequestInit => ({
    ...{ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) },
  });
  const sql = <T extends object>(query: string, ...given: string[]) =>
    inPostgres(folders.data, (database) => database.unsafe<T[]>(query, given));
  const requests = async () =>
    new Map(
      (await sql<{ id: string; kind: string }>("select id, kind from rights_request")).map((one) => [
        one.id,
        one.kind,
      ]),
    );

  async function linkOf(request: string, what: "verify" | "download"): Promise<string> {
    const links = () =>
      mailbox.messages
        .filter(({ text }) => text.includes(request))
        .flatMap(({ text }) => new RegExp(`^http\\S+/rights/${what}/\\S+$`, "m").exec(text)?.[0] ?? []);
    await until(`there is a message to ${what}`, () => links().length > 0);
    const [link = ""] = links();
    canaries.keep(link.split("/").at(-1) ?? "", `a link to ${what}`);
    return link;
  }

  return {
    ...{ json, requests, linkOf },
    /** So many requests that were not there before, by their kind. */
    async newly(before: ReadonlyMap<string, string>, count: number): Promise<Map<string, string>> {
      let found: [string, string][] = [];
      await until("the shop's requests are there", async () => {
        found = [...(await requests())].filter(([id]) => !before.has(id));
        return found.length >= count;
      });
      return new Map(found.map(([id, kind]) => [kind, id]));
    },
    isOver: (request: string) =>
      until("a request is fulfilled", async () => {
        const [row] = await sql<{ status: string }>(
          "select status from rights_request where id = $1",
          request,
        );
        return row?.status.includes("fulfilled") === true;
      }),
    isAsked: (request: string) =>
      until("the shop is asked for an erasure", async () => {
        const rows = await sql(
          "select from rights_task t join connection c on c.id = t.connection_id where t.request_id = $1 and c.connector = 'shopify' and t.status = 'asked'",
          request,
        );
        return rows.length > 0;
      }),
    /** Their mail server refuses, and says whom. */
    async askInVain(email: string): Promise<void> {
      mailbox.refuse({ at: "recipient", with: 550, text: `no such user: ${email}` });
      await world.ask(`/rights/${controller}`, json({ kind: "access", email }));
      await until("a message cannot be sent", () => world.hub.output().includes("could not be sent"));
      mailbox.refuse();
    },
    /** Somebody asks by themselves; a message asks whether it was them. */
    async ask(kind: string, email: string, more: object = {}) {
      const { text } = await world.ask(`/rights/${controller}`, json({ kind, email, ...more }));
      const { request } = JSON.parse(text) as { request: string };
      const link = await linkOf(request, "verify");
      const message = mailbox.messages.find((one) => one.text.includes(link));
      const code = /^ {4}(\d{8})$/m.exec(message?.text ?? "")?.[1] ?? "";
      canaries.keep(code, "a code");
      return { request, link, code };
    },
  };
}
