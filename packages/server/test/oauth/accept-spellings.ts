/** How `Accept` asks for one of an endpoint's two forms, JSON or another, said once: RFC 9110 §12.4.2, §12.5.1. */

const json = 'application/json'

/** The other form is named, and preferred to nothing less. */
export const asksFor = (type: string): readonly string[] => [
  type,
  type.toUpperCase(),
  `${json}, ${type}`,
  `${json};q=0.5,${type};q=0.9`,
  `*/*, ${type}`,
  `*/*, ${type};q=0.1`,
]

/** It is not named, not wanted, wanted less, or not spelled as anything is. */
export const asksForJson = (type: string): readonly (string | undefined)[] => [
  undefined,
  '*/*',
  type.replace(/\/.*/, '/*'),
  json,
  `${type};q=0`,
  `${json}, ${type};q=0`,
  `*/*, ${type};q=0.000`,
  `${json}, ${type};q=0.1`,
  `x${type}`,
  `${type}x`,
  `${type};q=two`,
]
