'use strict'
// haraka-plugin-access by itself: what its hooks take for a session, without Haraka, a socket or a parser around
// them. Usage: haraka_access.js FOLDER SESSIONS SECONDS    (FOLDER/config as Haraka has it; run where the plugin is)

const fs = require('node:fs')
const path = require('node:path')
const { createRequire } = require('node:module')

const [folder, sessionsFile, seconds] = process.argv.slice(2)
const local = createRequire(path.join(process.cwd(), 'node_modules', 'x'))

// What Haraka gives its plugins: its constants as globals, a config of their own, and a log, which is off here.
Object.assign(globalThis, { OK: 906, DENY: 902, DENYDISCONNECT: 904 })
const quiet = { logdebug() {}, loginfo() {}, logerror() {}, logwarn() {}, lognotice() {} }
const Config = local('haraka-config')
const plugin = Object.assign(Object.create(local('haraka-plugin-access')), quiet, {
  name: 'access',
  config: Config.module_config(folder),
  register_hook() {},
})
plugin.register()
for (const phase of ['conn', 'mail', 'rcpt']) {
  for (const color of ['black', 'white']) {
    if (!Object.keys(plugin.list[color][phase]).length || !plugin.list_re[color][phase].length)
      throw new Error(`no list of ${color} ${phase}`)
  }
}

function address(text) {
  const bare = text.slice(1, -1)
  return { address: bare, host: bare.slice(bare.lastIndexOf('@') + 1) }
}

// Cheaper than Haraka's own, which keeps what is added.
const results = { add() {} }

function session(line) {
  const { ip, rdns, helo, mail, rcpts, from, login } = JSON.parse(line)
  if (login) return null
  const header = { get_decoded: () => from }
  return {
    connection: { ...quiet, hook: '', remote: { ip, host: rdns }, results, transaction: { results, header } },
    helo,
    mail: [address(mail)],
    rcpt: [address(rcpts[0])],
  }
}

const sessions = fs.readFileSync(sessionsFile, 'utf8').split('\n').filter(Boolean).map(session).filter(Boolean)

let refused = 0
function next(code) {
  if (code !== undefined) refused++
}

function stage(s, hook, params, own) {
  s.connection.hook = hook
  plugin.any(next, s.connection, params)
  if (own) plugin[own](next, s.connection, params)
}

function decide(s) {
  stage(s, 'connect', undefined, 'rdns_access')
  stage(s, 'ehlo', s.helo)
  stage(s, 'mail', s.mail, 'mail_from_access')
  stage(s, 'rcpt', s.rcpt, 'rcpt_to_access')
  plugin.data_any(next, s.connection)
}

function run(until) {
  const start = process.hrtime.bigint()
  let decided = 0
  let took
  do {
    for (let i = 0; i < 500; i++) decide(sessions[decided++ % sessions.length])
    took = Number(process.hrtime.bigint() - start)
  } while (took < until * 1e9)
  return took / decided
}

run(Math.max(1, seconds / 2)) // until it is compiled
const ns = run(Number(seconds))
if (refused) throw new Error(`${refused} were refused`)
console.log(JSON.stringify({ sessions: sessions.length, ns }))
process.exit(0) // it watches its files
