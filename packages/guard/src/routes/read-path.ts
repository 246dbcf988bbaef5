/**
 * The path of a request, cut into segments (RFC 3986 §3.3, §6.2.2), or refused.
 *
 * Whoever decides about a path and whoever routes it must read it alike. What some router or proxy resolves, cuts or
 * decodes once more (dot segments, empty segments, `;`, encoded delimiters, double encoding) has no one reading here.
 */

import { decodePercent } from '@sallyport/protocol'

export interface Segment {
  /** As it was sent. */
  readonly text: string
  readonly decoded: string
}

export interface RequestPath {
  readonly segments: readonly Segment[]
  /** Whether it ends with one, as `/` does. */
  readonly hasSlash: boolean
}

// A URL without `/` after its host is read as `/` by some and as no path by others.
const origin = /^https?:\/\/[A-Za-z0-9.:_~[\]-]+(?=\/)/

/**
 * What stands before the query, and after the origin of an absolute URL.
 *
 * No target has a fragment (RFC 9112 §3.2), and some routers refuse one wherever it stands: with one nothing is cut, so
 * that it is no path.
 */
export function pathOf(target: string): string {
  const path = target.startsWith('/') ? target : target.replace(origin, '')
  const end = path.indexOf('?')
  return end === -1 || path.includes('#', end) ? path : path.slice(0, end)
}

// RFC 3986 §3.3 without `;`, and with `[]^|`, which WHATWG URLs leave as they are.
const wellFormed = /^(?:\/(?:[A-Za-z0-9._~!$&'()*+,=:@[\]^|-]|%[0-9A-Fa-f]{2})+)+\/?$/

/** Null where routers could read it in two ways. Whether any endpoint has that path is not looked at. */
export function readPath(path: string): RequestPath | null {
  if (path === '/') return { segments: [], hasSlash: true }
  if (!wellFormed.test(path)) return null
  const hasSlash = path.endsWith('/')
  const segments = path
    .slice(1, hasSlash ? -1 : undefined)
    .split('/')
    .map(readSegment)
  return segments.every((segment) => segment !== null) ? { segments, hasSlash } : null
}

function readSegment(text: string): Segment | null {
  const isEncoded = text.includes('%')
  const decoded = isEncoded ? decodePercent(text) : text
  if (decoded === null || decoded === '.' || decoded === '..') return null
  return isEncoded && confusing.test(decoded) ? null : { text, decoded }
}

// A percent sequence that is left was encoded twice.
const confusing = /[/\\?#;\p{Cc}]|%[0-9A-Fa-f]{2}/u

/**
 * Alike for all decoded segments that any router could take for the same literal.
 *
 * Upper case first: routers lower the Kelvin sign to `k`, and regular expressions raise the long s to `S`.
 */
export const fold = (decoded: string): string => decoded.toUpperCase().toLowerCase()
