/** What processes of an API share through Redis or Valkey. */

export { createRedisProofs, type RedisProofsOptions } from './binding/redis-proofs.ts'
export {
  type CommandClient,
  createRedisLimits,
  type IoredisClient,
  type NodeRedisClient,
  type RedisClient,
  type RedisLimitsOptions,
} from './limits/redis.ts'
