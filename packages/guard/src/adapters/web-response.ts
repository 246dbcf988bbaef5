/** Answers of handlers, where they are responses of the Web. */

/** `Response.error()` is no answer, and 101 goes on in another protocol: no response can be made with their statuses. */
export const takesHeaders = ({ type, status }: Response): boolean => type !== 'error' && status !== 101
