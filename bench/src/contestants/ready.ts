/** What the bench and the baseline contestants say to each other at start-up. */
export interface Ready {
  readonly port: number
  /** What the contestant chose at start-up, shown in the table. */
  readonly detail?: string
}

/** The environment variable that holds `TlsFiles` as JSON for a contestant that is to end TLS itself. */
export const tlsVariable = 'SALLYPORT_BENCH_TLS'
