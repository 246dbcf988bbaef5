/** What Prometheus reads. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMetrics, createMetricsHandler } from '../../src/http/metrics.ts'
import { ask, startListener } from './wire.ts'

const linesOf = (text: string, name: string) =>
  text.split('\n').filter((line) => line.includes(name) && !line.startsWith('# HELP'))

test('operations: counters are told by tenant and outcome, with their type', async () => {
  const metrics = createMetrics({ withProcess: false })
  metrics.clientRequests.token.add('nitrobox', 'ok')
  metrics.clientRequests.token.add('nitrobox', 'ok')
  metrics.clientRequests.token.add('nitrobox', 'invalid_client')
  metrics.clientRequests.token.add('token', 'ok')
  metrics.dialectUses.add('token', 'query_credentials')
  metrics.throttled.add('token')
  const { body } = await metrics.render()
  assert.deepEqual(linesOf(body, 'sallyport_token_requests_total'), [
    '# TYPE sallyport_token_requests_total counter',
    'sallyport_token_requests_total{tenant="nitrobox",outcome="ok"} 2',
    'sallyport_token_requests_total{tenant="nitrobox",outcome="invalid_client"} 1',
    'sallyport_token_requests_total{tenant="token",outcome="ok"} 1',
  ])
  assert.deepEqual(linesOf(body, 'sallyport_dialect_uses_total'), [
    '# TYPE sallyport_dialect_uses_total counter',
    'sallyport_dialect_uses_total{tenant="token",feature="query_credentials"} 1',
  ])
  assert.deepEqual(linesOf(body, 'sallyport_throttled_total'), [
    '# TYPE sallyport_throttled_total counter',
    'sallyport_throttled_total{tenant="token"} 1',
  ])
})

test('operations: reading the metrics twice counts nothing twice', async () => {
  const metrics = createMetrics({ withProcess: false })
  metrics.throttled.add('a')
  assert.equal((await metrics.render()).body, (await metrics.render()).body)
})

test('operations: each bucket of the durations holds the faster ones, and the last holds all', async () => {
  const { requestDurations, render } = createMetrics({ withProcess: false })
  for (const seconds of [0.0004, 0.001, 0.003, 9]) requestDurations.observe('token', seconds)
  const lines = linesOf((await render()).body, 'sallyport_request_duration_seconds')
  assert.equal(lines[0], '# TYPE sallyport_request_duration_seconds histogram')
  const of = (le: string) => lines.find((line) => line.includes(`le="${le}"`))?.split(' ')[1]
  assert.deepEqual(['0.0005', '0.001', '0.0025', '0.005', '5', '+Inf'].map(of), [
    '1',
    '2',
    '2',
    '3',
    '3',
    '4',
  ])
  assert.deepEqual(lines.slice(-2), [
    'sallyport_request_duration_seconds_sum{endpoint="token"} 9.0044',
    'sallyport_request_duration_seconds_count{endpoint="token"} 4',
  ])
})

test('operations: the end of the certificate is shown where there is one: behind a proxy, 0 would be an alarm', async () => {
  const metrics = createMetrics({ withProcess: false })
  const name = 'sallyport_certificate_expires_seconds'
  const type = `# TYPE ${name} gauge`
  assert.deepEqual(linesOf((await metrics.render()).body, name), [type])
  metrics.certificateExpires.set(1_900_000_000)
  assert.deepEqual(linesOf((await metrics.render()).body, name), [type, `${name} 1900000000`])
})

test('operations: the metrics listener serves /metrics and nothing else', async (t) => {
  const { port } = await startListener(t, { handler: createMetricsHandler(createMetrics()) })
  const reply = await ask(port, ['GET /metrics HTTP/1.1', 'Host: a'])
  assert.equal(reply.status, 200)
  assert.match(reply.headers.get('content-type') ?? '', /^text\/plain; version=0\.0\.4/)
  assert.match(reply.body, /^process_resident_memory_bytes \d/m)
  assert.match(reply.body, /^nodejs_eventloop_lag_seconds \d/m)
  assert.equal((await ask(port, ['GET / HTTP/1.1', 'Host: a'])).status, 404)
  assert.equal((await ask(port, ['POST /metrics HTTP/1.1', 'Host: a'])).status, 405)
})
