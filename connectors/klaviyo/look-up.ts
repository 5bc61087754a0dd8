import { z } from "zod";
import { platformErrors } from "#kit";
import type { Klaviyo } from "./api.ts";

/** What a profile is asked for beside what is always there. */
type Fields = ("subscriptions" | "predictive_analytics")[];

/** Undefined where there is none any more. It may be another one, which the one that was asked for was merged into. */
export async function profileById<Schema extends z.ZodType>(
  klaviyo: Klaviyo,
  profile: Schema,
  id: string,
  additionalFieldsProfile: Fields,
): Promise<z.output<Schema> | undefined> {
  const answer = await klaviyo.read((api) => api.getProfile(id, { additionalFieldsProfile }));
  return answer === undefined ? undefined : read(profile, read(One, answer).data);
}

const One = z.object({ data: z.unknown() });

export async function profilesByEmail<Schema extends z.ZodType>(
  klaviyo: Klaviyo,
  profile: Schema,
  email: string,
  additionalFieldsProfile: Fields,
): Promise<z.output<Schema>[]> {
  // The text in a filter is quoted as in JSON; so does the SDK's own `FilterBuilder`.
  const filter = `equals(email,${JSON.stringify(email)})`;
  const answer = await klaviyo.read((api) => api.getProfiles({ additionalFieldsProfile, filter }));
  return read(z.object({ data: z.array(profile) }), answer).data;
}

/** A profile is found by each of its addresses, and under the id of one that was merged into it. */
export function distinct<Profile extends { readonly id: string }>(profiles: readonly Profile[]): Profile[] {
  return [...new Map(profiles.map((found) => [found.id, found])).values()];
}

/** What an answer holds, if it is what was asked for. */
export function read<Schema extends z.ZodType>(schema: Schema, answer: unknown): z.output<Schema> {
  const { data } = schema.safeParse(answer);
  if (data === undefined) throw platformErrors.unreadable();
  return data;
}
