/** `sallyport manage`: the management API from a terminal, and the profiles that say where and as whom. */

import type { Command } from 'commander'
import { registerProfiles } from './login.ts'

export async function registerManage(group: Command, words: readonly string[]): Promise<void> {
  group.addHelpText(
    'after',
    [
      '\nWhich server, as whom: --profile or SALLYPORT_PROFILE; or SALLYPORT_URL, SALLYPORT_CLIENT_ID,',
      'SALLYPORT_CLIENT_SECRET (or SALLYPORT_CLIENT_SECRET_FILE) and SALLYPORT_CA; or the development',
      'instance in ./data; or the only profile.',
    ].join('\n'),
  )
  registerProfiles(group)
  const isOfProfiles = group.commands.some((command) => command.name() === words[1])
  // The Tab key asks for the profiles whenever it is pressed: too often to wait for all operations.
  if (!isOfProfiles) (await import('./register-operations.ts')).registerOperations(group)
}
