/** The names of what clients register themselves. People give such names to nothing, so that a client takes away its own alone. */

const shape = /^registered-[0-9a-f]{8}$/

export const registeredCredentialId = (random: (bytes: number) => Uint8Array): string =>
  `registered-${Buffer.from(random(4)).toString('hex')}`

export const isRegisteredCredentialId = (id: string): boolean => shape.test(id)
