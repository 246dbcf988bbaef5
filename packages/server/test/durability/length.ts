/** How often is tried what goes wrong only now and then: a few times in `npm test`, in full in `npm run test:long`. */

export const isLong = process.env.TEST_LENGTH === 'long'

export const times = (short: number, long: number): number => (isLong ? long : short)
