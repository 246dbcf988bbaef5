/** How much is tried of what goes wrong only now and then: a little in `npm test`, all in `npm run test:long`. */

export const isLong = process.env.TEST_LENGTH === 'long'

export const times = (short: number, long: number): number => (isLong ? long : short)
