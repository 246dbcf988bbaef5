import { tryOut } from './try-out.ts'

console.log(JSON.stringify(await tryOut()))
