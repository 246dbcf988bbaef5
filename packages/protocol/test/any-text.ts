/** Any text at all, for the tests of parsers. */
import * as fc from '../../../test/property.ts'

// fast-check's own unit "binary" takes a second to set up, in every file that uses it.
const unit = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 0, max: 0xff }) },
  fc.integer({ min: 0x100, max: 0xffff }),
)

/** Of any UTF-16 units: controls, and halves of characters, are among them. */
export const anyText = (maxLength?: number): fc.Arbitrary<string> =>
  fc.string({
    unit: unit.map((code) => String.fromCharCode(code)),
    ...(maxLength !== undefined && { maxLength }),
  })
