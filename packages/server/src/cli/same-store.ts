/** Sentences that name a command, for whoever has named a store: what is copied from them must not work on another one. */

import type { StoreOptions } from './store-options.ts'

export interface StoreFlags extends StoreOptions {
  /** What `serve` calls `--data`. */
  readonly dataFolder?: string
}

/** Those of them that sentences name; `backup` is named for the source of a restore alone, which is another store. */
const named =
  /\bsallyport (?:apply|inspect|restore|apps \w+|audit \w+|credentials \w+|keys [\w-]+|operators \w+|secrets \w+)\b/g

/** The text with each command as it would have to be given for the same store. */
export function onSameStore(text: string, { config, data, dataFolder }: StoreFlags): string {
  const folder = data ?? dataFolder
  const flags = [
    ...(folder === undefined || folder === './data' ? [] : [` --data ${quoted(folder)}`]),
    ...(config === undefined ? [] : [` --config ${quoted(config)}`]),
  ]
  return text.replaceAll(named, (command) => command + flags.join(''))
}

/** For a shell, where it would not be one word. */
export const quoted = (path: string): string =>
  /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`
