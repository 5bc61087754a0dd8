import { existsSync } from "node:fs";
import { createRequire } from "node:module";

// What tests use of playwright-core (https://playwright.dev/docs/api/class-playwright), which drives a Chromium that is there.

export interface Browser {
  newContext(options?: {
    javaScriptEnabled?: boolean;
    viewport?: { width: number; height: number };
    colorScheme?: "light" | "dark";
  }): Promise<{ newPage(): Promise<BrowserPage>; close(): Promise<void> }>;
  close(): Promise<void>;
}

export interface BrowserPage {
  goto(url: string): Promise<{ status(): number } | null>;
  /** An expression, within the page. */
  evaluate(expression: string): Promise<unknown>;
  getByRole(role: string, options?: { name?: string; exact?: boolean }): Locator;
  locator(selector: string): Locator;
  waitForEvent(event: "download"): Promise<{ suggestedFilename(): string; path(): Promise<string> }>;
  waitForURL(url: string): Promise<void>;
  on(event: "request", listener: (request: { method(): string; url(): string }) => void): void;
  on(event: "console", listener: (message: { text(): string }) => void): void;
  on(event: "dialog", listener: (dialog: { dismiss(): Promise<void> }) => void): void;
  readonly keyboard: { press(key: string): Promise<void> };
}

export interface Locator {
  click(): Promise<void>;
  count(): Promise<number>;
  isVisible(): Promise<boolean>;
  innerText(): Promise<string>;
  /** How assistive technology sees it, as YAML. */
  ariaSnapshot(): Promise<string>;
}

/** Why there is no browser here, or how to start it. */
export function findBrowser(): { readonly missing: string } | { readonly start: () => Promise<Browser> } {
  const executablePath = [process.env["CHROMIUM_PATH"] ?? "", "/usr/bin/chromium"].find(
    (path) => path !== "" && existsSync(path),
  );
  if (executablePath === undefined)
    return {
      missing:
        "no Chromium: install it (Debian: apt-get install chromium), or say where it is in CHROMIUM_PATH",
    };
  let playwright: { chromium: { launch(options: { executablePath: string }): Promise<Browser> } };
  try {
    playwright = createRequire(import.meta.url)("playwright-core");
  } catch {
    return { missing: "no playwright-core: npm ci" };
  }
  return { start: () => playwright.chromium.launch({ executablePath }) };
}
