"""
The set-ups that peers.py compares, each with the same lists: Postfix alone, Postfix's own maps, rspamd, postfwd, Postern.
All decisions are the same, except that Postfix alone makes none, and that Postfix's maps have no limit of a login.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import benchlib
from harness.ports import free_port, is_listening
from harness.postern import Postern
from harness.postgres import Postgres
from harness.process import Process
from peer_lists import LIMIT, LOGIN_DOMAIN, LOGINS, login, searched

ALONE, MAPS, RSPAMD, POSTFWD, POSTERN = "Postfix alone", "Postfix's maps", "rspamd", "postfwd", "Postern"
ACCOUNT = "nobody"
START_DEADLINE = 300  # seconds in which a program has to read its lists
STAY = Path(__file__).with_name("stay.py")


@dataclass
class Setup:
    """What one smtpd service of Postfix asks: its parameters, and the programs that run, the first one started first."""
    name: str
    parameters: dict = field(default_factory=dict)
    processes: list = field(default_factory=list)
    refuses: bool = True  # whether it has the lists
    counts_logins: bool = True  # whether it has the limit of each login
    settled: object = None  # a function: whether nothing is made ready beside its work any more

    def run(self, process, ready):
        """Start a program and wait until it is ready."""
        self.processes.append(process)
        process.start(ready=ready, deadline=START_DEADLINE)

    def stop(self):
        for process in reversed(self.processes):
            process.stop()


def own_folder(folder, account=ACCOUNT):
    folder.mkdir(parents=True)
    shutil.chown(folder, account)
    return folder


def write(path, lines):
    path.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")
    return path


def postfix_alone(setup, _folder, _lists):
    setup.refuses = setup.counts_logins = False


# ---- Postfix's own maps ------------------------------------------------------------------------

TABLES = """
CREATE TABLE senders (address text PRIMARY KEY, action text NOT NULL);
CREATE TABLE recipients (address text PRIMARY KEY, action text NOT NULL);
"""


def fill_tables(server, lists):
    connection = server.connect()
    try:
        cursor = connection.cursor()
        cursor.execute(TABLES)
        for table in ("senders", "recipients"):
            cursor.execute(f"INSERT INTO {table} SELECT unnest(%s), 'REJECT'", (getattr(lists, table),))
        cursor.execute("ANALYZE")
    finally:
        connection.close()


def make_cdb(path):
    """Make the table without Postfix's configuration, which may be missing."""
    etc = path.with_name("etc")
    etc.mkdir()
    write(etc / "main.cf", ["compatibility_level = 3.6"])
    shutil.copy("/etc/postfix/dynamicmaps.cf", etc)
    subprocess.run(["postmap", "-c", etc, f"cdb:{path}"], check=True)


def write_maps(folder, lists):
    """Write the sources of the maps that are files."""
    write(folder / "domains", (f"{domain} REJECT" for domain in lists.domains))
    for name in ("sender_regexes", "recipient_regexes"):
        write(folder / name, (f"/{searched(regex)}/ REJECT" for regex in getattr(lists, name)))


def postfix_maps(setup, folder, lists):
    """
    Addresses are in PostgreSQL (two lookups a message), domains in cdb, regexes in pcre. %u@%d suppresses the queries
    for the other keys of access(5), which only a domain could answer.
    """
    folder.mkdir()
    server = Postgres(folder / "pg", folder / "pg.log", "postgres")
    server.create(benchlib.BUILD, shared_buffers="128MB")
    setup.run(server.process, server.answers)
    fill_tables(server, lists)
    for table in ("senders", "recipients"):
        write(folder / f"{table}.cf", [f"hosts = 127.0.0.1:{server.port}", "user = postgres", "password = none",
                                       "dbname = mail", f"query = SELECT action FROM {table} WHERE address = '%u@%d'"])
    write_maps(folder, lists)
    make_cdb(folder / "domains")
    setup.counts_logins = False
    setup.parameters = {
        "parent_domain_matches_subdomains": "",
        "smtpd_sender_restrictions": ", ".join(f"check_sender_access {table}" for table in (
            f"pgsql:{folder}/senders.cf", f"cdb:{folder}/domains", f"pcre:{folder}/sender_regexes")),
        "smtpd_recipient_restrictions": ", ".join(f"check_recipient_access {table}" for table in (
            f"pgsql:{folder}/recipients.cf", f"pcre:{folder}/recipient_regexes")) + ", permit",
    }


# ---- rspamd ------------------------------------------------------------------------------------

# Only multimap and ratelimit are loaded. The two multipliers are 1, so that the limit does not adapt to the verdicts.
RSPAMD_CONF = """
lua = "$RULESDIR/rspamd.lua";
modules {{
  path = "/usr/share/rspamd/plugins/multimap.lua";
  path = "/usr/share/rspamd/plugins/ratelimit.lua";
}}
options {{
  filters = "";
  pidfile = "{folder}/pid";
  tempdir = "{folder}";
  url_tld = "{folder}/suffixes";
  hs_cache_dir = "{cache}/";
  cache_file = "{folder}/symbols.cache";
  dynamic_conf = "{folder}/dynamic";
  control_socket = "{folder}/control.sock mode=0600";
  dns {{ nameserver = "127.0.0.1:1"; }}
}}
logging {{ type = "file"; filename = "{folder}/log"; level = "info"; }}
worker "rspamd_proxy" {{
  bind_socket = "{folder}/milter.sock mode=0666";
  milter = yes;
  timeout = 120s;
  count = {workers};
  upstream "local" {{ default = yes; self_scan = yes; }}
}}
actions {{ reject = 15; }}
redis {{ servers = "{redis}"; }}
multimap {{
{maps}
}}
ratelimit {{
  rates {{
    login {{ selector = "user"; bucket {{ burst = {limit}; rate = "{limit} / 1h"; }} }}
  }}
  max_rate_mult = 1;
  max_bucket_mult = 1;
}}
"""


def rspamd_maps(folder, lists):
    """Write the maps, and return the settings of multimap."""
    exact = [("senders", lists.senders, 'type = "from";'),
             ("domains", lists.domains, 'type = "from"; filter = "email:domain";'),
             ("recipients", lists.recipients, 'type = "rcpt";')]
    regexes = [("sender_regexes", lists.sender_regexes, 'type = "from"; regexp = true;'),
               ("recipient_regexes", lists.recipient_regexes, 'type = "rcpt"; regexp = true;')]
    texts = []
    for name, entries, settings in exact + [
            (name, [f"/{searched(regex)}/i" for regex in found], settings) for name, found, settings in regexes]:
        path = write(folder / f"{name}.map", entries)
        texts.append(f'  {name} {{ {settings} prefilter = true; action = "reject"; map = "{path}"; }}')
    return "\n".join(texts)


def rspamd(setup, folder, lists):
    """Groups of scenes share the cache of compiled patterns, because those that rspamd brings with it take long."""
    own_folder(folder)
    cache = folder.parents[1] / "rspamd-cache"
    if not cache.exists():
        own_folder(cache)
    redis = Process("redis", ["redis-server", "--port", "0", "--unixsocket", folder / "redis.sock", "--dir", folder],
                    folder / "redis.out", user=ACCOUNT)
    setup.run(redis, (folder / "redis.sock").exists)
    write(folder / "suffixes", ["com", "net", "org"])  # multimap needs none, and all of them take 20 s to compile
    conf = folder / "rspamd.conf"
    conf.write_text(RSPAMD_CONF.format(folder=folder, cache=cache, redis=folder / "redis.sock", workers=os.cpu_count(), limit=LIMIT,
                                       maps=rspamd_maps(folder, lists)))
    socket = folder / "milter.sock"
    setup.run(Process("rspamd", ["rspamd", "-f", "-c", conf], folder / "rspamd.out", user=ACCOUNT), socket.exists)
    setup.parameters = {"smtpd_milters": f"unix:{socket}"}


# ---- postfwd -----------------------------------------------------------------------------------

def postfwd_rules(folder, lists):
    """Write the rules and the files that they refer to. Returns the path of the rules."""
    rules = []
    for name, item, entries in (
            ("senders", "sender==", lists.senders), ("domains", "sender_domain==", lists.domains),
            ("recipients", "recipient==", lists.recipients),
            ("sender_regexes", "sender=~", map(searched, lists.sender_regexes)),
            ("recipient_regexes", "recipient=~", map(searched, lists.recipient_regexes))):
        path = write(folder / name, entries)
        rules.append(f"id={name}; {item}file:{path}; action=REJECT")
    rules.append(f"id=limit; sasl_username=~^.; action=rate(sasl_username/{LIMIT}/3600/450 4.7.1 limit reached)")
    return write(folder / "rules", rules)


def postfwd(setup, folder, lists):
    """It logs only to syslog, which private servers lack, so that it logs nothing here (--perfmon)."""
    own_folder(folder)
    port = free_port()
    process = Process("postfwd", [
        sys.executable, STAY, "postfwd2", "--perfmon", "--nodns", "--file", postfwd_rules(folder, lists), "--interface",
        "127.0.0.1", "--port", port, "--cache_proto", "unix", "--cache_port", folder / "cache.sock", "--pidfile",
        folder / "pid", "--user", ACCOUNT, "--group", "nogroup", "--config_timeout", 60], folder / "postfwd.log")
    setup.run(process, lambda: is_listening(port) and (folder / "cache.sock").exists())
    setup.parameters = {"smtpd_recipient_restrictions": f"check_policy_service inet:127.0.0.1:{port}, permit"}


# ---- Postern -----------------------------------------------------------------------------------

def postern_lists(lists):
    return {"mail_from.access.blacklist": lists.senders + [f"@{domain}" for domain in lists.domains],
            "mail_from.access.blacklist_regex": lists.sender_regexes,
            "rcpt_to.access.blacklist": lists.recipients,
            "rcpt_to.access.blacklist_regex": lists.recipient_regexes}


def postern(setup, folder, lists):
    """
    Users exist only for the limit; each may send from the whole domain, because no other set-up checks senders. The
    checks are Postern's default ones.
    """
    store = {"profiles": [{"id": 1, "name": "all", "open": True, "limits": f"{LIMIT}/1h"}],
             "users": [{"id": number + 1, "username": login(number), "froms": f"@{LOGIN_DOMAIN}", "profileId": 1}
                       for number in range(LOGINS + 2)]}
    daemon = Postern(folder, config={"profile": {"default_domain": LOGIN_DOMAIN}}, lists=postern_lists(lists), store=store)
    daemon.create()
    setup.run(daemon.process, daemon.listens)
    setup.settled = lambda: daemon.ctl("status")["cache"]["unprepared_regex_lists"] == 0
    setup.parameters = {"smtpd_milters": daemon.postfix_milter}


SETUPS = {ALONE: postfix_alone, MAPS: postfix_maps, RSPAMD: rspamd, POSTFWD: postfwd, POSTERN: postern}


def start(setup, folder, lists):
    """Start the programs of a Setup, and set its parameters. setup.stop() is due even if this fails."""
    SETUPS[setup.name](setup, folder, lists)
