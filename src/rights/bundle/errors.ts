import { LetheError } from "#schemas";

/** What can keep a bundle from being made. Never with anything of what was to be in it. */
export const bundleErrors = {
  /** `limit` in bytes. */
  tooLarge: (limit: number) =>
    new LetheError(
      "bundle/too-large",
      `what was collected is larger than ${Math.floor(limit / 1024 / 1024)} MiB, which is what a bundle may hold unpacked; hand it over in another way, and complete the request by hand with \`lethe rights complete-task\``,
    ),
  malformed: (platform: string) =>
    new LetheError(
      "bundle/malformed",
      `what was collected from ${platform} is not a JSON array of records; its connector has to be mended`,
    ),
};
