import type { IncomingMessage } from "node:http";
import { isIPv6 } from "node:net";

/**
 * Whose request it is, to count against a limit: the connection's other end, or what the last of so many `proxies` in front
 * of the hub says of it (`X-Forwarded-For`, from the right; whatever stands further left anybody could have written).
 * Of IPv6 the network (/64), because one subscriber has all of its addresses.
 */
export function addressOf(incoming: IncomingMessage, proxies: number): string {
  const forwarded = String(incoming.headers["x-forwarded-for"] ?? "")
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
  const told = proxies === 0 ? undefined : forwarded.at(-proxies);
  const address = told ?? incoming.socket.remoteAddress ?? "unknown";
  return isIPv6(address) && !address.includes(".") ? networkOf(address) : address;
}

function networkOf(address: string): string {
  const [left = "", right = ""] = address.split("::");
  const groups = left.split(":").filter((group) => group !== "");
  const missing = address.includes("::") ? 8 - groups.length - right.split(":").filter(Boolean).length : 0;
  return [...groups, ...Array<string>(missing).fill("0"), ...right.split(":")].slice(0, 4).join(":");
}
