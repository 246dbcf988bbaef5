/** The certificates that a tenant's client might show: of its authority, of one below that, and of nobody but itself. */
import { clientAuth, type Issued, type IssueOptions, issue } from './issue.ts'

export interface RobotCertificates {
  readonly authority: Issued
  readonly intermediate: Issued
  /** Issued by the authority, with a name of each kind. */
  readonly leaf: Issued
  /** Issued by the intermediate, with the same subject. */
  readonly below: Issued
  readonly selfSigned: Issued
}

/** In the order of the encoding; RFC 4514 writes it the other way round. */
export const robotName = 'CN=robot, O=Acme'
export const authorityName = 'CN=Acme Authority'

type Issue = (issuer: Issued | null, options: IssueOptions) => Promise<Issued>

/** With another way to issue they are good at another time. */
export async function issueForRobot(issued: Issue = issue): Promise<RobotCertificates> {
  const authority = await issued(null, { name: authorityName, ca: true, pathLength: 1 })
  const intermediate = await issued(authority, { name: 'CN=Acme Devices', ca: true })
  const names = [
    { type: 'dns' as const, value: 'robot.acme.example' },
    { type: 'url' as const, value: 'spiffe://acme.example/robot' },
    { type: 'email' as const, value: 'robot@acme.example' },
    { type: 'ip' as const, value: '192.0.2.7' },
    { type: 'ip' as const, value: '2001:db8::7' },
  ]
  const purposes = [clientAuth]
  return {
    authority,
    intermediate,
    leaf: await issued(authority, { name: robotName, names, purposes }),
    below: await issued(intermediate, { name: robotName, purposes }),
    selfSigned: await issued(null, { name: 'CN=mine', purposes }),
  }
}
