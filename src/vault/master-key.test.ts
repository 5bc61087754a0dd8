import { mkdtempSync, readFileSync, realpathSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { masterKeyFromFile } from "./index.ts";

/** What was asked of the file system, in order: a file appearing under a name, a folder's names made to last. */
const calls = vi.hoisted(() => [] as string[]);
vi.mock("node:fs", async (original) => {
  const fs = await original<typeof import("node:fs")>();
  const opened = new Map<number, string>();
  return {
    ...fs,
    linkSync: (from: string, to: string) => {
      fs.linkSync(from, to);
      calls.push(`name ${to}`);
    },
    renameSync: (from: string, to: string) => {
      fs.renameSync(from, to);
      calls.push(`name ${to}`);
    },
    openSync: (path: string, flags: string) => {
      const open = fs.openSync(path, flags);
      opened.set(open, path);
      return open;
    },
    fsyncSync: (open: number) => {
      fs.fsyncSync(open);
      calls.push(`flush ${opened.get(open)}`);
    },
  };
});

describe("the file of the master key", () => {
  let path: string;
  beforeEach(() => {
    path = join(realpathSync(mkdtempSync(join(tmpdir(), "lethe-key-"))), "master.key");
    calls.length = 0;
  });

  test("is found again after a power cut: its folder is flushed before the key wraps anything", () => {
    const master = masterKeyFromFile(path);
    const renamed = [`name ${path}`, `flush ${dirname(path)}`];
    expect(calls).toEqual(renamed);
    master.add?.();
    expect(calls).toEqual([...renamed, ...renamed]);
    master.forgetBefore?.(2);
    expect(calls).toEqual([...renamed, ...renamed, ...renamed]);
  });

  test("is found again with the folders that were made for it", () => {
    const deep = join(dirname(path), "var", "lethe", "master.key");
    masterKeyFromFile(deep);
    const folders = [dirname(deep), join(dirname(path), "var"), dirname(path)];
    expect(calls).toEqual([`name ${deep}`, ...folders.map((folder) => `flush ${folder}`)]);
  });

  test("keeps a newer version than the one that everything was wrapped under", () => {
    const master = masterKeyFromFile(path);
    master.add?.();
    masterKeyFromFile(path).add?.();
    master.forgetBefore?.(2);
    expect(readFileSync(path, "utf8")).toMatch(/^3:\S+\n2:\S+\n$/);
  });

  test("is left as it is if the version to keep is not there", () => {
    const master = masterKeyFromFile(path);
    const before = readFileSync(path, "utf8");
    expect(() => master.forgetBefore?.(2)).toThrow("version 2");
    expect(readFileSync(path, "utf8")).toBe(before);
  });
});
