/** What an exported blueprint does not say, in words for the comment on top of it: nothing is left out in silence. */

import { formatBlueprint } from './format-blueprint.ts'
import { parseBlueprints } from './parse.ts'
import { formatProblem } from './problem.ts'
import { nouns, type StoredRow } from './rows.ts'
import type { BlueprintFile } from './schema.ts'

export interface Exported {
  readonly file: BlueprintFile
  readonly rows: readonly StoredRow[]
  /** Apps that have registered themselves. */
  readonly registered: readonly StoredRow[]
  /** Tenants of the same blueprint that nobody has asked for. */
  readonly others: readonly string[]
  /** Tenants that no blueprint may declare. */
  readonly leftOut: readonly string[]
}

const mostListed = 20

const general = [
  'Exported by Sallyport. `secret: kept` is the secret that the credential has in the store. Where it has none, say' +
    ' instead where its secret comes from: generated, from_env, from_file or hash.',
  'No blueprint holds signing keys, people and their roles, requests for keys, registrations and their tokens,' +
    ' revocations, use or the audit chain.',
]

export const unsaid = (exported: Exported): readonly string[] => [
  ...general,
  ...leftOutLines(exported),
  ...otherLines(exported),
  ...disabledLines(exported),
  ...registeredLines(exported),
  ...ownerLines(exported),
  ...refusalLines(exported),
]

const leftOutLines = ({ leftOut }: Exported): string[] =>
  leftOut.map((id) => `Tenant ${id} is the server's own, and stands in no blueprint.`)

const otherLines = ({ file, others }: Exported): string[] =>
  capped(
    `A part of blueprint ${file.blueprint}: apply --prune of this file removes its other tenants.`,
    others.map((id) => `tenant ${id}`),
  )

const disabledLines = ({ rows }: Exported): string[] =>
  listed(
    'Disabled, which no blueprint can say: in another store they would be in use.',
    rows.filter(({ disabledAt }) => disabledAt !== null),
  )

const registeredLines = ({ registered }: Exported): string[] =>
  listed(
    'Registered by themselves: their registration access tokens, terms and descriptions are not here, so in another' +
      ' store they could neither read nor change nor remove themselves.',
    registered,
  )

/** `apply` changes only what the blueprint of the same name once made. */
function ownerLines({ file, rows }: Exported): string[] {
  const owners = [...new Set(rows.map(({ owner }) => owner))].filter((owner) => owner !== file.blueprint)
  return owners.flatMap((owner) => {
    const whose = owner === null ? 'Made by no blueprint' : `Made by blueprint ${owner}`
    const means =
      owner === null
        ? 'apply takes them into this one with --adopt, and refuses them without it.'
        : 'apply refuses them where they are; export that one by itself.'
    return listed(
      `${whose}: ${means}`,
      rows.filter((row) => row.owner === owner),
    )
  })
}

/** The API lets be what a blueprint must not be, as an app that has its method first and its key later. */
function refusalLines({ file }: Exported): string[] {
  const { problems = [] } = parseBlueprints([{ name: 'this', text: formatBlueprint(file, []) }])
  const sentences = problems.map((problem) => formatProblem(problem).replace(/^this:\d+:\d+ /, ''))
  return capped('apply will refuse this file until this is mended:', sentences)
}

const listed = (title: string, rows: readonly StoredRow[]): string[] =>
  capped(
    title,
    rows.toSorted(inOrder).map(({ noun, address }) => `${noun} ${address}`),
  )

const inOrder = (one: StoredRow, other: StoredRow): number =>
  nouns.indexOf(one.noun) - nouns.indexOf(other.noun) || (one.address < other.address ? -1 : 1)

function capped(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return []
  const more = lines.length - mostListed
  const shown = lines.slice(0, mostListed).map((line) => `- ${line.replaceAll(/\s+/g, ' ')}`)
  return [title, ...shown, ...(more > 0 ? [`- and ${more} more`] : [])]
}
