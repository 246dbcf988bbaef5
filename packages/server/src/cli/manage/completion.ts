/** `sallyport completion`: what the Tab key offers in bash, zsh and fish, written down from the tree of commands. */

import { Argument, type Command, InvalidArgumentError, type Option } from 'commander'
import { offering, offersOf } from '../offers.ts'

const shells = ['bash', 'zsh', 'fish'] as const
type Shell = (typeof shells)[number]

const scripts: Readonly<Record<Shell, (places: readonly Place[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

const readShell = (text: string): Shell => {
  const found = shells.find((shell) => shell === text)
  if (found === undefined) throw new InvalidArgumentError(`It is one of ${shells.join(', ')}.`)
  return found
}

/** The program must have all of its commands by the time this one is run. */
export function registerCompletion(command: Command): void {
  command
    .addArgument(offering(new Argument('<shell>', shells.join(', ')).argParser(readShell), shells))
    .addHelpText(
      'after',
      [
        '\nbash:  sallyport completion bash >> ~/.bashrc',
        'zsh:   sallyport completion zsh > a file _sallyport in a folder of $fpath',
        'fish:  sallyport completion fish > ~/.config/fish/completions/sallyport.fish',
      ].join('\n'),
    )
    .action((shell: Shell) => {
      process.stdout.write(scripts[shell](placesOf(command.parent ?? command, '')))
    })
}

/** A command, and what can come after it. */
interface Place {
  /** The words up to it, each with a blank before it; the program itself is nothing. */
  readonly path: string
  readonly words: readonly (readonly [word: string, about: string])[]
  readonly options: readonly Option[]
  /** Whether a profile can come after it, which only the machine knows that the Tab key is pressed at. */
  readonly takesProfile: boolean
}

function placesOf(command: Command, path: string): readonly Place[] {
  const { commands, registeredArguments } = command
  const options = command.options.filter(({ hidden }) => !hidden)
  const words = [
    ...commands.map((one) => [one.name(), one.description()] as const),
    ...registeredArguments.flatMap((one) => offersOf(one).map((value) => [value, one.name()] as const)),
    ...[...options, help].map(({ long, description }) => [long ?? '', inShort(description)] as const),
  ]
  const takesProfile = registeredArguments.some((one) => one.name() === 'profile')
  const inner = commands.flatMap((one) => placesOf(one, `${path} ${one.name()}`))
  return [{ path, words, options, takesProfile }, ...inner]
}

/** A line beside the word, where `--help` has all of it. */
const inShort = (description: string): string => description.split(/[;:] | \((?:default|required)/)[0] ?? ''

const help = { long: '--help', description: 'what is possible' }

interface ValueFlags {
  readonly ofFiles: readonly string[]
  readonly others: readonly string[]
}

/** After these comes a value, which no word of ours completes. */
function valueFlags(places: readonly Place[]): ValueFlags {
  const options = places.flatMap((place) => place.options)
  const taking = options.filter(({ required, optional }) => required || optional)
  const without = new Set(options.filter((one) => one.isBoolean()).map(({ long }) => long))
  const names = new Set(taking.map(({ long }) => long).filter((long) => !without.has(long)))
  const files = new Set(taking.filter(({ flags }) => /<(?:file|folder)>/.test(flags)).map(({ long }) => long))
  const all = [...names].filter((long): long is string => typeof long === 'string' && long !== '--profile')
  return {
    ofFiles: all.filter((long) => files.has(long)),
    others: all.filter((long) => !files.has(long)),
  }
}

interface Values {
  /** The words up to the value, each with a blank before it. */
  readonly paths: readonly string[]
  readonly values: readonly string[]
}

/** What can be offered as a value; one name can take other values elsewhere. */
function valuesOf(places: readonly Place[]): readonly Values[] {
  const all = places.flatMap(({ path, options }) =>
    options.map((option) => ({ path: `${path} ${option.long}`, values: offersOf(option) })),
  )
  const some = all.filter(({ values }) => values.length > 0)
  const groups = Object.values(Object.groupBy(some, ({ values }) => values.join('\n')))
  return groups.flatMap((group = []) => {
    const [first] = group
    return first ? [{ paths: group.map(({ path }) => path), values: first.values }] : []
  })
}

const profilePaths = (places: readonly Place[]): readonly string[] =>
  places.filter(({ takesProfile }) => takesProfile).map(({ path }) => path)

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
const patternOf = (paths: readonly string[]): string => paths.map(quoted).join('|')
const pathPattern = (places: readonly Place[]): string => patternOf(places.slice(1).map(({ path }) => path))

function bashScript(places: readonly Place[]): string {
  const { ofFiles, others } = valueFlags(places)
  const offers = places.map(
    ({ path, words }) => `    ${quoted(path)}) words=${quoted(words.map(([word]) => word).join(' '))} ;;`,
  )
  const values = valuesOf(places).map(
    ({ paths, values: some }) =>
      `    ${patternOf(paths)}) COMPREPLY=($(compgen -W ${quoted(some.join(' '))} -- "$current")); return ;;`,
  )
  return `# Completion of sallyport for bash.
_sallyport() {
  local current=\${COMP_WORDS[COMP_CWORD]} previous=\${COMP_WORDS[COMP_CWORD-1]} place='' word words=''
  COMPREPLY=()
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$place $word" in
      ${pathPattern(places)}) place="$place $word" ;;
    esac
  done
  case "$place $previous" in
${values.join('\n')}
  esac
  case $previous in
    --profile) COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" manage profiles --names 2>/dev/null)" -- "$current")); return ;;
    ${ofFiles.join('|')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
    ${others.join('|')}) return ;;
  esac
  case $place in
${offers.join('\n')}
  esac
  case $place in
    ${patternOf(profilePaths(places))}) words="$words $("\${COMP_WORDS[0]}" manage profiles --names 2>/dev/null)" ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -F _sallyport sallyport
`
}

/** Their own separator between a word and what it is about. */
const described = ([word, about]: readonly [string, string]): string =>
  quoted(`${word.replaceAll(':', '\\:')}:${about}`)

function zshScript(places: readonly Place[]): string {
  const { ofFiles, others } = valueFlags(places)
  const offers = places.map(
    ({ path, words }) => `    ${quoted(path)}) offers=(${words.map(described).join(' ')}) ;;`,
  )
  const values = valuesOf(places).map(
    ({ paths, values: some }) =>
      `    ${patternOf(paths)}) offers=(${some.map(quoted).join(' ')}); compadd -a offers; return ;;`,
  )
  return `#compdef sallyport
# Completion of sallyport for zsh.
_sallyport() {
  local place='' word
  local -a offers
  for word in \${words[2,CURRENT-1]}; do
    case "$place $word" in
      ${pathPattern(places)}) place="$place $word" ;;
    esac
  done
  case "$place $words[CURRENT-1]" in
${values.join('\n')}
  esac
  case $words[CURRENT-1] in
    --profile) offers=(\${(f)"$($words[1] manage profiles --names 2>/dev/null)"}); compadd -a offers; return ;;
    ${ofFiles.join('|')}) _files; return ;;
    ${others.join('|')}) return ;;
  esac
  case $place in
${offers.join('\n')}
  esac
  case $place in
    ${patternOf(profilePaths(places))}) offers+=(\${(f)"$($words[1] manage profiles --names 2>/dev/null)"}) ;;
  esac
  _describe sallyport offers
}
# Loaded from $fpath it is being called; read by source it only says what it completes.
if [ "$funcstack[1]" = _sallyport ]; then _sallyport "$@"; else compdef _sallyport sallyport; fi
`
}

const fishQuoted = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`

function fishScript(places: readonly Place[]): string {
  const { ofFiles, others } = valueFlags(places)
  const offers = places.map(({ path, words }) => {
    const lines = words.map(
      ([word, about]) => `            printf '%s\\t%s\\n' ${fishQuoted(word)} ${fishQuoted(about)}`,
    )
    return `        case ${fishQuoted(path)}\n${lines.join('\n')}`
  })
  const paths = places.slice(1).map(({ path }) => fishQuoted(path))
  const values = valuesOf(places).map(
    ({ paths: before, values: some }) => `        case ${before.map(fishQuoted).join(' ')}
            printf '%s\\n' ${some.map(fishQuoted).join(' ')}
            return`,
  )
  return `# Completion of sallyport for fish.
function __sallyport_offers
    set -l words (commandline -opc)
    set -l place ''
    for word in $words[2..]
        switch "$place $word"
            case ${paths.join(' ')}
                set place "$place $word"
        end
    end
    switch "$place $words[-1]"
${values.join('\n')}
    end
    switch $words[-1]
        case --profile
            $words[1] manage profiles --names 2>/dev/null
            return
        case ${ofFiles.join(' ')}
            __fish_complete_path (commandline -ct)
            return
        case ${others.join(' ')}
            return
    end
    switch $place
${offers.join('\n')}
    end
    switch $place
        case ${profilePaths(places).map(fishQuoted).join(' ')}
            $words[1] manage profiles --names 2>/dev/null
    end
end
complete -c sallyport -f -a '(__sallyport_offers)'
`
}
