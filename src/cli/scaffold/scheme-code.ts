import type { SchemePlan } from "./plan.ts";

/** What the kit has to be asked for. */
export function importOf(scheme: SchemePlan): string {
  if (scheme.kind === "platform") return "platformSchemes";
  return scheme.kind === "url-secret" ? "urlSecret" : scheme.kind;
}

/** The scheme as a connector writes it. */
export function schemeCode(scheme: SchemePlan): string {
  switch (scheme.kind) {
    case "platform":
      return /^\w+$/.test(scheme.platform)
        ? `platformSchemes.${scheme.platform}`
        : `platformSchemes[${JSON.stringify(scheme.platform)}]`;
    case "basic":
      return "basic()";
    case "url-secret":
      return "urlSecret()";
    default: {
      const { kind, ...options } = scheme;
      const code = `${kind}(${objectCode(options)})`;
      if (`    signature: ${code},`.length <= 110) return code;
      const lines = Object.entries(options).map(([name, value]) => `      ${name}: ${objectCode(value)},\n`);
      return `${kind}({\n${lines.join("")}    })`;
    }
  }
}

function objectCode(value: unknown): string {
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([name, inner]) => `${name}: ${objectCode(inner)}`)
    .join(", ")} }`;
}
