import { z } from "zod";

const some = z.string().min(1).optional();

/**
 * Either an app's own id and secret, with which it gets tokens that last a day, or a token that does not end, as apps
 * have one that were made in a shop's admin before 2026: https://help.shopify.com/en/manual/apps/app-types/custom-apps
 * Without a `shop` it is the connection's account.
 */
export const Credentials = z
  .object({ shop: some, accessToken: some, clientId: some, clientSecret: some })
  .superRefine(({ accessToken, clientId, clientSecret }, context) => {
    const fault = (message: string, ...path: string[]) => context.addIssue({ code: "custom", path, message });
    const app = clientId !== undefined || clientSecret !== undefined;
    if (!app && accessToken === undefined)
      fault('it needs an app\'s "clientId" and "clientSecret", or a lasting "accessToken"');
    if (app && accessToken !== undefined)
      fault('leave it out, or "clientId" and "clientSecret": one is enough', "accessToken");
    if (app && clientId === undefined) fault('it is missing beside the "clientSecret"', "clientId");
    if (app && clientSecret === undefined) fault('it is missing beside the "clientId"', "clientSecret");
  });
export type Credentials = z.output<typeof Credentials>;
