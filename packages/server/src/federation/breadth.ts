/** Rules that let in more than their makers may think. Each sentence says who gets in, and how to say less. */

import type { FederationPreset, FederationRule } from './rule.ts'

type Warn = (rule: FederationRule) => readonly string[]

const starIn = (subject: string | undefined, part: number, separator: RegExp): boolean =>
  subject?.split(separator)[part]?.includes('*') ?? false

const namesAny = ({ claims = {} }: FederationRule, ...names: readonly string[]): boolean =>
  names.some((name) => Object.hasOwn(claims, name))

const everyPlace = 'Every branch, tag and pull request may match: name a branch or an environment.'

/** What may stand behind `repo:OWNER/NAME:` and is no one place, although no star says so at first sight. */
const widePlaces: readonly (readonly [place: RegExp, sentence: string])[] = [
  [/^[^:]*\*|^ref:[^/]*\*|^ref:refs\/\*/, everyPlace],
  [/^ref:refs\/heads\/\*+$/, 'Every branch may match: name one, or an environment.'],
  [/^ref:refs\/tags\/\*+$/, 'Every tag may match: name its beginning, or an environment.'],
  [/^environment:\*+$/, 'Every environment may match: name one.'],
  [
    /^pull_request$/,
    'Every pull request may match, before anybody has looked at it: name a branch or an environment.',
  ],
]

/** `repo:OWNER/NAME:…`; the claims repository and environment say the same on their own. */
function github(rule: FederationRule): readonly string[] {
  const { subject } = rule
  const namesOwner = namesAny(rule, 'repository', 'repository_owner', 'repository_owner_id', 'repository_id')
  if (!namesOwner && (subject === undefined || !subject.startsWith('repo:') || starIn(subject, 1, /[:/]/))) {
    return [
      'Any repository on GitHub may match: name the owner in the subject, as repo:OWNER/NAME:ref:refs/heads/main.',
    ]
  }
  const namesRepository = namesAny(rule, 'repository', 'repository_id')
  const isAnyRepository = !namesRepository && (subject === undefined || starIn(subject, 2, /[:/]/))
  return [
    ...(isAnyRepository ? ['Every repository of the owner may match: name one.'] : []),
    ...githubPlace(rule),
  ]
}

function githubPlace(rule: FederationRule): readonly string[] {
  if (namesAny(rule, 'ref', 'environment', 'job_workflow_ref')) return []
  if (rule.subject === undefined) return [everyPlace]
  const place = rule.subject.split(':').slice(2).join(':')
  const [, sentence] = widePlaces.find(([pattern]) => pattern.test(place)) ?? []
  return sentence === undefined ? [] : [sentence]
}

/** `project_path:GROUP/PROJECT:ref_type:TYPE:ref:NAME` */
function gitlab(rule: FederationRule): readonly string[] {
  const { subject } = rule
  if (
    !namesAny(rule, 'project_path', 'project_id') &&
    (subject === undefined || !subject.startsWith('project_path:') || starIn(subject, 1, /:/))
  ) {
    return [
      'Every project of a group, or of the whole server, may match: name one in the subject or as project_path.',
    ]
  }
  const isAnyRef = subject === undefined || starIn(subject, 5, /:/)
  if (isAnyRef && !namesAny(rule, 'ref', 'ref_protected', 'environment'))
    return ['Every branch of the project may match: name one, or claim ref_protected: "true".']
  return starIn(subject, 3, /:/) && !namesAny(rule, 'ref_type', 'ref_protected', 'environment')
    ? ['A tag with the name of the branch may match: name the ref_type.']
    : []
}

/** `system:serviceaccount:NAMESPACE:NAME` */
function kubernetes({ subject }: FederationRule): readonly string[] {
  if (subject === undefined || starIn(subject, 2, /:/))
    return ['Every namespace may match: name one in the subject.']
  return starIn(subject, 3, /:/) ? ['Every service account of the namespace may match: name one.'] : []
}

/** `spiffe://TRUST-DOMAIN/PATH`, where SPIRE and Istio write `ns/NAMESPACE/sa/NAME` for a path. */
function spiffe({ subject }: FederationRule): readonly string[] {
  if (subject === undefined || !subject.startsWith('spiffe://'))
    return ['Name the SPIFFE id as the subject: spiffe://TRUST-DOMAIN/PATH.']
  const [domain = '', ...path] = subject.slice('spiffe://'.length).split('/')
  if (domain.includes('*')) return ['Every trust domain may match: name one.']
  if (path.every((part) => /^\*+$/.test(part)))
    return ['Every workload of the trust domain may match: name a path.']
  const [kind, namespace, ofAccount, account] = path
  if (kind !== 'ns' || ofAccount !== 'sa') return []
  if (/^\*+$/.test(namespace ?? '')) return ['Every namespace may match: name one in the subject.']
  return account === '*' ? ['Every service account of the namespace may match: name one.'] : []
}

function oidc(rule: FederationRule): readonly string[] {
  const { subject, claims = {} } = rule
  if (subject === undefined) {
    if (Object.keys(claims).length < 2)
      return ['Everybody of whom the issuer says so may match: name the subject as well.']
    // Trust part 1, row 39: who has such a name today need not be who had it when the rule was written.
    return namesAny(rule, 'email', 'preferred_username', 'upn', 'unique_name', 'name', 'nickname')
      ? ['An e-mail address or a name can pass to somebody else: name the subject.']
      : []
  }
  return subject.startsWith('*') ? ['Subjects of any beginning may match: begin with a literal part.'] : []
}

const presets: Readonly<Record<FederationPreset, Warn>> = { github, gitlab, kubernetes, spiffe, oidc }

const signs: readonly (readonly [preset: FederationPreset, issuer: RegExp, subject: RegExp])[] = [
  ['github', /^https:\/\/token\.actions\.([a-z0-9-]+\.)*(githubusercontent|ghe)\.com(\/|$)/, /^repo:/],
  ['gitlab', /^https:\/\/gitlab\.com\/?$/, /^project_path:/],
  ['kubernetes', /^https:\/\/kubernetes\.default\.svc(\.|\/|$)/, /^system:serviceaccount:/],
  ['spiffe', /^spiffe:/, /^spiffe:/],
]

/** A rule that leaves its preset out is as broad as one that names it. */
function presetOf({ preset = 'oidc', issuer, subject = '' }: FederationRule): FederationPreset {
  if (preset !== 'oidc') return preset
  const [found = preset] =
    signs.find(([, ofIssuer, ofSubject]) => ofIssuer.test(issuer) || ofSubject.test(subject)) ?? []
  return found
}

const hasStar = (expected: string | readonly string[]): boolean => [expected].flat().join().includes('*')

/** The other way about: it lets in nobody, and its maker will not see why. */
const starWarnings = ({ claims = {} }: FederationRule): readonly string[] =>
  Object.entries(claims)
    .filter(([, expected]) => hasStar(expected))
    .map(([name]) => `A * in claim ${name} stands for itself: only in the subject it stands for something.`)

export const breadthWarnings = (rule: FederationRule): readonly string[] => [
  ...presets[presetOf(rule)](rule),
  ...starWarnings(rule),
]
