/** WooCommerce decodes its stored secret before it signs (`wp_specialchars_decode( $secret, ENT_QUOTES )`). */
export function decodeEntities(secret: string): string {
  return secret.replace(/&(?:amp|lt|gt|quot|apos|#0?39|#x27);/g, (entity) => ENTITIES[entity] ?? entity);
}

const ENTITIES: Record<string, string> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&#039;": "'",
  "&#39;": "'",
  "&#x27;": "'",
  "&apos;": "'",
};
