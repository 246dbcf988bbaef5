/** Entity tags (RFC 9110 §8.8): a tag of what is read, by which a request says later what it knows. */

import { hash } from 'node:crypto'
import type { Reply } from '@sallyport/protocol'

/** Strong: another content has another tag. 132 bits of a digest. */
export const entityTag = (content: string): string => `"${hash('sha256', content, 'base64url').slice(0, 22)}"`

/** RFC 9110 §13.1.1: whether `If-Match` lets a change of what has this tag pass. A weak tag promises too little. */
export const isCurrent = (ifMatch: string, tag: string): boolean =>
  isAny(ifMatch) || tagsOf(ifMatch).includes(tag)

/** RFC 9110 §13.1.2: who has the current document, as `If-None-Match` says, is told so in one line. */
export function unlessUnchanged(reply: Reply, ifNoneMatch: string | undefined): Reply {
  const { ETag: tag } = reply.headers
  if (tag === undefined || ifNoneMatch === undefined) return reply
  const isKnown = isAny(ifNoneMatch) || tagsOf(ifNoneMatch).some((one) => one === tag || one === `W/${tag}`)
  return isKnown ? { status: 304, headers: reply.headers, body: '' } : reply
}

const isAny = (condition: string): boolean => condition.trim() === '*'

/** Somebody else's may have a comma in it: none of its pieces has a quote at both ends, as ours have. */
const tagsOf = (condition: string): readonly string[] => condition.split(',').map((tag) => tag.trim())
