/** How many items a page of a list has: unless asked otherwise, and at most. */

export const defaultLimit = 50
export const largestLimit = 200
