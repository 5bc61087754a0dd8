import { createHash } from "node:crypto";
import { platformErrors, z } from "#kit";
import { type Audience, fault, refusal } from "./api.ts";

/** What a webhook calls `data[id]` is the address's id in all of Mailchimp. */
export async function membersById<Schema extends z.ZodType>(
  { id, lists }: Audience,
  member: Schema,
  uniqueEmailId: string,
  options: object,
): Promise<z.output<Schema>[]> {
  const Members = z.object({ members: z.array(member) });
  try {
    return read(Members, await lists.getListMembersInfo(id, { ...options, unique_email_id: uniqueEmailId }))
      .members;
  } catch (error) {
    throw fault(error);
  }
}

/** Undefined where there is none (404), or no such audience: the answer is the same. */
export async function memberByHash<Schema extends z.ZodType>(
  { id, lists }: Audience,
  member: Schema,
  hash: string,
  options: object,
): Promise<z.output<Schema> | undefined> {
  try {
    return read(member, await lists.getListMember(id, hash, options));
  } catch (error) {
    if (refusal(error)?.status === 404) return undefined;
    throw fault(error);
  }
}

/** As good as the address: it goes into a URL, and nowhere else. */
export const subscriberHash = (email: string) =>
  createHash("md5").update(email.trim().toLowerCase()).digest("hex");

/** What an answer holds, if it is what was asked for. */
export function read<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const { data } = schema.safeParse(answer);
  if (data === undefined) throw platformErrors.unreadable();
  return data;
}
