export type { Page } from "./page.ts";
export { type PageFacts, pages } from "./pages.ts";
