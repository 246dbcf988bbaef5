/** JSON columns: text in the database, so that both engines give back the very bytes that were written. */

/** What a column may hold; a string is left out, because it would be JSON text written twice. */
export type JsonObject = object

export const writeJson = (value: JsonObject): string => JSON.stringify(value)

export const readJson = (text: string): unknown => JSON.parse(text)
