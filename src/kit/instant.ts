/** ISO 8601 or epoch seconds to ISO 8601 in UTC with milliseconds; a time without a zone is UTC. Undefined if it is no time. */
export function instant(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const zoned = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?$/.test(text)
    ? `${text.replace(" ", "T")}Z`
    : text;
  const time = /^\d{9,11}$/.test(text) ? Number(text) * 1000 : Date.parse(zoned);
  const iso = Number.isNaN(time) ? undefined : new Date(time).toISOString();
  return iso !== undefined && iso.length === 24 && iso >= "1970" ? iso : undefined; // no platform is older
}
