/** The next step where the file system refuses a file: rights are the most frequent reason, and not the only one. */

const steps: Readonly<Record<string, string>> = {
  ENOSPC: 'make room on its disk, which is full, then try again.',
  EDQUOT: 'make room for this user, whose share of the disk is full, then try again.',
  EROFS: 'its disk is read-only, so have it mounted for writing, or name another folder.',
  ENOTDIR: 'a part of its path is a file, so name another folder.',
}

export const nextStep = (error: unknown, otherwise: string): string =>
  (error instanceof Error && 'code' in error && steps[String(error.code)]) || otherwise
