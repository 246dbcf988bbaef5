// The door of every script in this folder. It and the files that npm names are written in syntax of 2017, so that an
// old Node prints the sentence below and not a syntax error; everything newer is imported after the check.

const oldestNode = 20

/** An end that a person can do something about: its message is printed without a stack. */
export class Refusal extends Error {}

/** Checks the Node that runs this, then runs `main`; `main` loads the rest by itself. */
export function enter(main) {
  if (Number(process.versions.node.split('.')[0]) < oldestNode) {
    console.error(`Sallyport needs Node.js ${oldestNode} or newer; this is ${process.version}.`)
    process.exitCode = 1
    return
  }
  main().catch((error) => {
    console.error(error instanceof Refusal ? error.message : error)
    process.exitCode = 1
  })
}
