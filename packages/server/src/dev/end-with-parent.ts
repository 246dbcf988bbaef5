/** Loaded into each example API before its own code: ends it when the development instance is gone, even killed. */

process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
// The API alone decides how long it lives otherwise.
process.channel?.unref()
