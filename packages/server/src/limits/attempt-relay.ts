/** How the processes of one machine hear at once what each of them has counted: the database tells them seconds later. */

export interface Tally {
  readonly of: 'client' | 'network'
  readonly name: string
  readonly windowStartedAt: number
  readonly change: number
}

export interface AttemptRelay {
  /** How many they are, this one included. */
  readonly processes: number
  /** To all of them: this one hears it as well, when the others do. */
  send(tallies: readonly Tally[]): void
  follow(listener: (tallies: readonly Tally[], isOwn: boolean) => void): void
}

export const alone: AttemptRelay = { processes: 1, send: () => {}, follow: () => {} }

// Of a flood from more networks than this in one turn, each process counts the rest for itself.
const talliesPerTurn = 500

/** Gathers what is counted in one turn of the event loop. False for what will not be sent. */
export function createTallySender(relay: AttemptRelay): (tally: Tally) => boolean {
  let gathered: Tally[] = []
  const flush = () => {
    relay.send(gathered)
    gathered = []
  }
  return (tally) => {
    if (relay.processes === 1 || gathered.length >= talliesPerTurn) return false
    if (gathered.length === 0) setImmediate(flush)
    gathered.push(tally)
    return true
  }
}
