// URLs read as the URL standard says, or not at all.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseUrl } from '@sallyport/protocol'

test('WHATWG URL §6.1: parseUrl answers as URL.parse does', () => {
  const texts = [
    'https://api.example/a?b#c',
    'HTTPS://API.example:443',
    '/a',
    '',
    '//x',
    'mailto:a@b',
    'http://[',
    '%',
  ]
  for (const text of texts)
    for (const base of [undefined, 'https://api.example/x/', 'no base'])
      assert.equal(parseUrl(text, base)?.href, URL.parse(text, base)?.href, `${text} at ${base}`)
})
