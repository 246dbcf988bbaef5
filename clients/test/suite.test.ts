// Clients and verifiers that nobody here wrote, at one running server. The order matters: the table comes last.
import './cells.ts'
import './quirks.ts'
import './verifiers.ts'
import './table.ts'
