/** The reference of the server's settings, made from their table. */

import { type SettingName, settings, variablesOf } from '../../config.ts'
import { code, markdownTable } from './markdown.ts'

function showFallback(name: SettingName): string {
  const { fallback } = settings[name]
  if (fallback === null) return ''
  if (Array.isArray(fallback)) return 'none'
  return code(String(fallback))
}

const isSecret = (name: SettingName) => variablesOf(name).length > 1

export function settingsTable(): string {
  const rows = (Object.keys(settings) as SettingName[]).map((name) => [
    isSecret(name) ? `${code(name)}, ${code(`${name}_file`)}` : code(name),
    settings[name].expected,
    showFallback(name),
    settings[name].about,
  ])
  return markdownTable(['Setting', 'Value', 'Default', 'What it is for'], rows)
}
