/** `docs/clients.md` as the findings of a run say it. */

import { type Client, type Proof, proofs } from './client.ts'
import { clients } from './clients/index.ts'
import type { Findings } from './findings.ts'
import { keyAlgorithms } from './material.ts'
import type { Verifier } from './verifier.ts'
import { verifiers } from './verifiers/index.ts'

const introduction = `# Clients and verifiers

Programs that others wrote, pointed at a running Sallyport by \`clients/test/suite.test.ts\`: each client with every
method that it supports, with the right secret or key and with a wrong one; each verifier with good, changed and expired
tokens. The suite makes this page (\`UPDATE_DOCS=1 npm test -- clients/test/suite.test.ts\`) and fails when it is no
longer true.
`

const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |`

const isCertificateProof = (proof: Proof): boolean => proof.includes('tls_client_auth')

/** The algorithms of a method stand behind it. */
function methodsText(works: readonly Proof[]): string {
  const byMethod = Map.groupBy(works, (proof) => proof.split(' ')[0] ?? '')
  const texts = [...byMethod].map(([method, ways]) => {
    const algorithms = ways.flatMap((way) => way.split(' ').slice(1))
    return algorithms.length > 0 ? `\`${method}\` (${algorithms.join(', ')})` : `\`${method}\``
  })
  return texts.join(', ')
}

function textOf(findings: Findings, { name }: Client, wanted: readonly Proof[]): string {
  const works = wanted.filter((proof) => findings.of(name, proof) === 'works')
  const isPending = wanted.some((proof) => findings.of(name, proof) === 'not yet')
  return methodsText(works) || (isPending ? 'not yet' : 'no')
}

function clientRow(findings: Findings, client: Client): string {
  const { name, language, notes } = client
  return row(
    name,
    client.version(),
    language,
    textOf(
      findings,
      client,
      proofs.filter((proof) => !isCertificateProof(proof)),
    ),
    findings.of(name, 'DPoP') === 'works' ? 'yes' : (findings.of(name, 'DPoP') ?? 'no'),
    textOf(findings, client, proofs.filter(isCertificateProof)),
    notes.join(' '),
  )
}

function verifierRow(findings: Findings, { name, notes, version }: Verifier): string {
  const algorithms = keyAlgorithms.filter((algorithm) => findings.of(name, algorithm) === 'works')
  return row(name, version(), algorithms.join(', '), notes.join(' '))
}

const rowStart = (name: string): string => `| ${name} |`

/** What is absent on this machine is as the page says already. */
const writtenRow = (written: string, name: string): string | undefined =>
  written.split('\n').find((line) => line.startsWith(rowStart(name)))

export function renderPage(findings: Findings, written: string): string {
  const clientRows = clients.flatMap((client) =>
    findings.isAbsent(client.name) ? (writtenRow(written, client.name) ?? []) : clientRow(findings, client),
  )
  const verifierRows = verifiers.flatMap((verifier) =>
    findings.isAbsent(verifier.name)
      ? (writtenRow(written.split('## Verifiers')[1] ?? '', verifier.name) ?? [])
      : verifierRow(findings, verifier),
  )
  return [
    introduction,
    '## Clients\n',
    row('Client', 'Version', 'Language', 'Methods', 'DPoP', 'mTLS', 'Notes'),
    row('---', '---', '---', '---', '---', '---', '---'),
    ...clientRows,
    '\n## Verifiers\n',
    row('Verifier', 'Version', 'Algorithms', 'Notes'),
    row('---', '---', '---', '---'),
    ...verifierRows,
    '',
  ].join('\n')
}

/** The version of what belongs to the machine differs from one to the next. */
export function withoutMachineVersions(page: string): string {
  const names = clients.filter(({ isPinned }) => !isPinned).map(({ name }) => name)
  return page
    .split('\n')
    .map((line) => {
      const isOfMachine = names.some((name) => line.startsWith(rowStart(name)))
      return isOfMachine ? line.split(' | ').toSpliced(1, 1, '…').join(' | ') : line
    })
    .join('\n')
}
