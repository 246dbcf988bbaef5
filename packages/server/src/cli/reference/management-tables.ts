/** The reference of the management API: its operations, for people and as data, and what each role may do. */

import { descriptionOf } from '../../management/description.ts'
import { operations } from '../../management/operations.ts'
import { builtInRoles, permissionNames, permissions } from '../../management/permissions.ts'
import { code, markdownTable } from './markdown.ts'

export const operationsTable = (): string =>
  markdownTable(
    ['Command', 'Request', 'Permission', 'What it does'],
    operations.map(({ command, method, path, permission, about }) => [
      code(command),
      code(`${method} ${path}`),
      permission === null ? '—' : code(permission),
      about,
    ]),
  )

export const describedOperationLines = (): string =>
  operations.map((operation) => `${JSON.stringify(descriptionOf(operation))}\n`).join('')

export const permissionsTable = (): string =>
  markdownTable(
    ['Permission', 'Allows to', 'Given in', 'Roles that have it'],
    permissionNames.map((name) => [
      code(name),
      permissions[name].about,
      permissions[name].reach,
      Object.entries(builtInRoles)
        .filter(([, role]) => role.permissions.some((one) => one === name))
        .map(([id]) => code(id))
        .join(', '),
    ]),
  )
