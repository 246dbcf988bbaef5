/** `URL.parse`, which Node has only since version 22: what is published runs on 20 as well. */

/** Null for what is no URL. Relative ones need `base`. */
export const parseUrl = (text: string, base?: string): URL | null =>
  URL.canParse(text, base) ? new URL(text, base) : null
