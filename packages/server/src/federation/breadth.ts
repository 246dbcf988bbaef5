/** Rules that let in more than their makers may think. Each sentence says who gets in, and how to say less. */

import type { FederationRule } from './rule.ts'

type Warn = (rule: FederationRule) => readonly string[]

const starIn = (subject: string | undefined, part: number, separator: RegExp): boolean =>
  subject?.split(separator)[part]?.includes('*') ?? false

/** `repo:OWNER/NAME:…`; the claims repository and environment say the same on their own. */
function github({ subject, claims = {} }: FederationRule): readonly string[] {
  const names = Object.keys(claims)
  const namesOwner = names.some((name) =>
    ['repository', 'repository_owner', 'repository_owner_id', 'repository_id'].includes(name),
  )
  if (!namesOwner && (subject === undefined || !subject.startsWith('repo:') || starIn(subject, 1, /[:/]/))) {
    return [
      'Any repository on GitHub may match: name the owner in the subject, as repo:OWNER/NAME:ref:refs/heads/main.',
    ]
  }
  const namesRepository = names.some((name) => ['repository', 'repository_id'].includes(name))
  const warnings: string[] = []
  if (!namesRepository && (subject === undefined || starIn(subject, 2, /[:/]/))) {
    warnings.push('Every repository of the owner may match: name one.')
  }
  const namesPlace = names.some((name) => ['ref', 'environment', 'job_workflow_ref'].includes(name))
  if (!namesPlace && (subject === undefined || starIn(subject, 3, /[:/]/))) {
    warnings.push('Every branch, tag and pull request may match: name a branch or an environment.')
  }
  return warnings
}

/** `project_path:GROUP/PROJECT:ref_type:TYPE:ref:NAME` */
function gitlab({ subject, claims = {} }: FederationRule): readonly string[] {
  const names = Object.keys(claims)
  if (
    !names.includes('project_path') &&
    !names.includes('project_id') &&
    (subject === undefined || starIn(subject, 1, /:/))
  ) {
    return [
      'Every project of a group, or of the whole server, may match: name one in the subject or as project_path.',
    ]
  }
  const namesRef = names.some((name) => ['ref', 'ref_protected', 'environment'].includes(name))
  return !namesRef && (subject === undefined || starIn(subject, 5, /:/))
    ? ['Every branch of the project may match: name one, or claim ref_protected: "true".']
    : []
}

/** `system:serviceaccount:NAMESPACE:NAME` */
function kubernetes({ subject }: FederationRule): readonly string[] {
  if (subject === undefined || starIn(subject, 2, /:/))
    return ['Every namespace may match: name one in the subject.']
  return starIn(subject, 3, /:/) ? ['Every service account of the namespace may match: name one.'] : []
}

/** `spiffe://TRUST-DOMAIN/PATH` */
function spiffe({ subject }: FederationRule): readonly string[] {
  if (subject === undefined || !subject.startsWith('spiffe://'))
    return ['Name the SPIFFE id as the subject: spiffe://TRUST-DOMAIN/PATH.']
  return starIn(subject, 2, /\//) ? ['Every trust domain may match: name one.'] : []
}

function oidc({ subject, claims = {} }: FederationRule): readonly string[] {
  if (subject === undefined && Object.keys(claims).length < 2) {
    return ['Everybody of whom the issuer says so may match: name the subject as well.']
  }
  return subject?.startsWith('*') ? ['Subjects of any beginning may match: begin with a literal part.'] : []
}

const presets: Readonly<Record<NonNullable<FederationRule['preset']>, Warn>> = {
  github,
  gitlab,
  kubernetes,
  spiffe,
  oidc,
}

export const breadthWarnings = (rule: FederationRule): readonly string[] =>
  presets[rule.preset ?? 'oidc'](rule)
