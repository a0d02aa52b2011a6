/*
 * The table of all keys of postern.conf, with type, default, bounds and member; the only place
 * where a default is written. Constant. t/unit/test_options.c covers it.
 */
#include "lib/conf/options.h"

#include "lib/auth/sasl_mechanisms.h"
#include "lib/conf/config.h"

#define CONFIG(member) \
	HOME_CONFIG, offsetof(struct config, member), sizeof(((struct config *)0)->member)
#define SETTINGS(member) \
	HOME_SETTINGS, offsetof(struct settings, member), sizeof(((struct settings *)0)->member)
#define SERVICE(member) \
	HOME_SERVICE, offsetof(struct service, member), sizeof(((struct service *)0)->member)
#define CHECK_OPTION(unused, id, key, fallback, stages, findings, whom, rules, help) \
	{ "check", key, OPTION_WORD, fallback, OPTION_RELOAD, 0, 0, check_words,     \
		SERVICE(mode[CHECK_##id]), help },
#define NOWHERE HOME_NOWHERE, 0, 0
#define DAY 86400
#define YEAR ((int64_t)366 * DAY)
#define TEXT_MAX 65536 /* bytes of a query or a connection string */

static const struct option_word check_words[] = { { "yes", MODE_YES }, { "no", MODE_NO },
	{ "warn", MODE_WARN }, { NULL, 0 } };
static const struct option_word on_error_words[] = { { "tempfail", ON_ERROR_TEMPFAIL },
	{ "accept", ON_ERROR_ACCEPT }, { NULL, 0 } };
static const struct option_word authenticated_words[] = { { "skip", 0 }, { "apply", 1 },
	{ NULL, 0 } };
static const struct option_word accept_words[] = { { "yes", ACCEPT_YES }, { "no", ACCEPT_NO },
	{ "strict", ACCEPT_STRICT }, { NULL, 0 } };
static const struct option_word header_from_words[] = { { "owned", HEADER_FROM_OWNED },
	{ "envelope", HEADER_FROM_ENVELOPE }, { "aligned", HEADER_FROM_ALIGNED }, { NULL, 0 } };
static const struct option_word routed_words[] = { { "refuse", ROUTED_REFUSE },
	{ "allow", ROUTED_ALLOW }, { "refuse_all", ROUTED_REFUSE_ALL }, { NULL, 0 } };
static const struct option_word count_words[] = { { "recipients", COUNT_RECIPIENTS },
	{ "messages", COUNT_MESSAGES }, { NULL, 0 } };
static const struct option_word on_limit_words[] = { { "tempfail", ON_LIMIT_TEMPFAIL },
	{ "reject", ON_LIMIT_REJECT }, { "suspend", ON_LIMIT_SUSPEND }, { NULL, 0 } };
#define MECHANISM_WORD(id, name, ...) { name, SASL_BIT(SASL_##id) },
static const struct option_word mechanism_words[] = {
	SASL_MECHANISM_LIST(MECHANISM_WORD) /* with a comma after each */
	{ NULL, 0 },
};
/* Every mechanism is offered by default. Each name follows a space. */
#define MECHANISM_NAME(id, name, ...) " " name
static const char mechanism_names[] = SASL_MECHANISM_LIST(MECHANISM_NAME);
static const struct option_word none_words[] = { { "none", 0 }, { NULL, 0 } };
static const struct option_word facility_words[] = { { "mail", 0 }, { "daemon", 0 }, { "auth", 0 },
	{ "user", 0 }, { "local0", 0 }, { "local1", 0 }, { "local2", 0 }, { "local3", 0 },
	{ "local4", 0 }, { "local5", 0 }, { "local6", 0 }, { "local7", 0 }, { NULL, 0 } };
static const struct option_word level_words[] = { { "error", 0 }, { "warning", 0 }, { "notice", 0 },
	{ "info", 0 }, { "debug", 0 }, { NULL, 0 } };

static const struct config_option options[] = {
	{ "milter", "socket", OPTION_SOCKET, "", OPTION_CHOSEN, 0, OPTION_SOCKET_PATH_MAX, NULL,
		CONFIG(milter.socket), "socket that serves the MTA; empty: chosen at the start" },
	{ "milter", "allow_remote", OPTION_BOOL, "no", 0, 0, 0, NULL, CONFIG(milter.allow_remote),
		"let other machines reach an inet socket" },
	{ "milter", "socket_mode", OPTION_MODE, "0660", 0, 0, 0, NULL, CONFIG(milter.socket_mode),
		"permissions of a unix socket" },
	{ "milter", "socket_group", OPTION_STRING, "", 0, 0, 255, NULL, CONFIG(milter.socket_group),
		"group of a unix socket; empty: the group of the process" },
	{ "milter", "user", OPTION_STRING, "postern", 0, 0, 255, NULL, CONFIG(milter.user),
		"user that the daemon becomes when root starts it" },
	{ "milter", "pid_file", OPTION_PATH, "", 0, 0, 0, NULL, CONFIG(milter.pid_file),
		"file for the process id; empty: none" },
	{ "milter", "timeout", OPTION_DURATION, "7210s", 0, 10, 10 * DAY, NULL,
		CONFIG(milter.timeout),
		"time after which a silent connection of the MTA is closed" },
	{ "milter", "on_error", OPTION_WORD, "tempfail", OPTION_RELOAD, 0, 0, on_error_words,
		SETTINGS(on_error), "answer when no decision is possible" },
	{ "milter", "delay_reject", OPTION_BOOL, "yes", OPTION_RELOAD, 0, 0, NULL,
		SETTINGS(delay_reject), "hold a rejection of connect or helo until MAIL" },
	{ "milter", "results_header", OPTION_FIELD, "", OPTION_RELOAD, 0, 0, NULL,
		SETTINGS(results_header),
		"header field that receives the result of each stage; empty: none" },
	{ "milter", "results_names", OPTION_BOOL, "no", OPTION_RELOAD, 0, 0, NULL,
		SETTINGS(results_names),
		"give rules in the results of sessions with a login, too" },

	{ "lists", "directory", OPTION_PATH, "/etc/postern/lists", OPTION_RELOAD | OPTION_NO_EMPTY,
		0, 0, NULL, CONFIG(lists.directory), "directory of the list files" },
	{ "lists", "public_suffix_list", OPTION_PATH, "", OPTION_RELOAD, 0, 0, NULL,
		CONFIG(lists.public_suffix_list), "public suffix list; empty: the system's" },
	{ "lists", "max_file", OPTION_SIZE, "256M", OPTION_RELOAD, 1024, INT64_C(4) << 30, NULL,
		CONFIG(lists.max_file), "size of the longest list file that is read" },
	{ "lists", "refuse_empty", OPTION_BOOL, "yes", OPTION_RELOAD, 0, 0, NULL,
		CONFIG(lists.refuse_empty),
		"keep a list of 20 entries or more until a file that loses most of them is complete" },
	{ "lists", "local_domains", OPTION_DOMAINS, "", OPTION_RELOAD | OPTION_DERIVED, 0, 32, NULL,
		SETTINGS(local_domains),
		"domains at which recipients without a full domain are looked up; "
		"not set: default_domain" },
	{ "lists", "recipient_delimiter", OPTION_STRING, "", OPTION_RELOAD | OPTION_DERIVED, 0, 16,
		NULL, SETTINGS(list_delimiter),
		"characters that begin an address extension; not set: that of [profile]" },

	CHECK_TABLE(CHECK_OPTION, ){ "check", "authenticated", OPTION_WORD, "skip", OPTION_RELOAD,
		0, 0, authenticated_words, SERVICE(authenticated_apply),
		"use the results of conn and helo in sessions with a login" },
	{ "check", "exempt", OPTION_NETWORKS, "127.0.0.0/8 ::1", OPTION_RELOAD, 0, 0, NULL,
		SERVICE(exempt), "clients that conn and helo do not check" },

	{ "rcpt", "accept", OPTION_WORD, "no", OPTION_RELOAD, 0, 0, accept_words,
		SETTINGS(rcpt_accept), "meaning of the allow lists of recipients" },

	{ "deny_msg", "conn", OPTION_STRING, "You are not allowed to connect", OPTION_RELOAD, 0,
		400, NULL, SETTINGS(deny_conn),
		"reply to a refused client, after its name and address" },
	{ "deny_msg", "helo", OPTION_STRING, "That HELO is not allowed to connect", OPTION_RELOAD,
		0, 400, NULL, SETTINGS(deny_helo), "reply to a refused HELO, after its argument" },
	{ "deny_msg", "mail", OPTION_STRING, "That sender cannot send mail here", OPTION_RELOAD, 0,
		400, NULL, SETTINGS(deny_mail), "reply to a refused sender, after the address" },
	{ "deny_msg", "rcpt", OPTION_STRING, "That recipient is not allowed", OPTION_RELOAD, 0, 400,
		NULL, SETTINGS(deny_rcpt), "reply to a refused recipient, after the address" },

	{ "database", "conninfo", OPTION_STRING, "", OPTION_RELOAD | OPTION_SECRET, 0, TEXT_MAX,
		NULL, CONFIG(given.conninfo), "connection string of libpq" },
	{ "database", "host", OPTION_STRING, "", OPTION_RELOAD, 0, 1024, NULL, CONFIG(given.host),
		"host, hosts separated by commas, or directory of the socket" },
	{ "database", "port", OPTION_INT, "", OPTION_RELOAD, 1, 65535, NULL, CONFIG(given.port),
		"port" },
	{ "database", "database", OPTION_STRING, "", OPTION_RELOAD, 0, 255, NULL,
		CONFIG(given.database), "name of the database" },
	{ "database", "user", OPTION_STRING, "", OPTION_RELOAD, 0, 255, NULL, CONFIG(given.user),
		"role" },
	{ "database", "password", OPTION_STRING, "", OPTION_RELOAD | OPTION_SECRET, 0, 4096, NULL,
		CONFIG(given.password), "password of the role" },
	{ "database", "password_file", OPTION_PATH, "", OPTION_RELOAD, 0, 0, NULL,
		CONFIG(given.password_file), "file that contains the password" },
	{ "database", "schema", OPTION_STRING, "haraka", OPTION_RELOAD, 0, 255, NULL,
		CONFIG(database.schema), "schema of the tables; empty: the role's search_path" },
	{ "database", "channel", OPTION_STRING, "haraka", OPTION_RELOAD | OPTION_NO_EMPTY, 0, 63,
		NULL, CONFIG(database.channel), "channel of the notifications" },
	{ "database", "profiles_query", OPTION_STRING, "SELECT * FROM profiles",
		OPTION_RELOAD | OPTION_NO_EMPTY, 0, TEXT_MAX, NULL, CONFIG(database.profiles_query),
		"query that returns the profiles" },
	{ "database", "users_query", OPTION_STRING, "SELECT * FROM users",
		OPTION_RELOAD | OPTION_NO_EMPTY, 0, TEXT_MAX, NULL, CONFIG(database.users_query),
		"query that returns the users" },
	{ "database", "connect_timeout", OPTION_DURATION, "10s", OPTION_RELOAD, 2, 600, NULL,
		CONFIG(database.connect_timeout), "longest time for connecting to a host" },
	{ "database", "statement_timeout", OPTION_DURATION, "5m", OPTION_RELOAD, 0, DAY, NULL,
		CONFIG(database.statement_timeout), "longest time for a query; 0: no limit" },
	{ "database", "poll_interval", OPTION_DURATION, "10s", OPTION_RELOAD, 1, DAY, NULL,
		CONFIG(database.poll_interval), "time between two reads of the change feed" },
	{ "database", "full_reload_interval", OPTION_DURATION, "15m", OPTION_RELOAD, 0, YEAR, NULL,
		CONFIG(database.full_reload_interval),
		"time between two loads of everything, whatever the change feed reports; 0: never" },
	{ "database", "reconnect_max", OPTION_DURATION, "30s", OPTION_RELOAD, 1, DAY, NULL,
		CONFIG(database.reconnect_max), "longest pause between two attempts to connect" },
	{ "database", "refuse_empty", OPTION_BOOL, "yes", OPTION_RELOAD, 0, 0, NULL,
		CONFIG(database.refuse_empty),
		"refuse a load that would empty a table that had rows" },
	{ "database", "max", OPTION_STRING, "", OPTION_FOREIGN, 0, 64, NULL, NOWHERE,
		"ignored key of pg-profile.json: Postern has one connection" },
	{ "database", "idleTimeoutMillis", OPTION_STRING, "", OPTION_FOREIGN, 0, 64, NULL, NOWHERE,
		"ignored key of pg-profile.json: Postern keeps its connection open" },

	{ "store", "path", OPTION_PATH, "/var/lib/postern/store.json", OPTION_RELOAD, 0, 0, NULL,
		CONFIG(store.path), "JSON store; empty: none" },

	{ "profile", "default_domain", OPTION_DOMAIN, "", OPTION_RELOAD, 0, 0, NULL,
		SETTINGS(default_domain), "domain of logins and user names without a domain" },
	{ "profile", "recipient_delimiter", OPTION_STRING, "+", OPTION_RELOAD, 0, 16, NULL,
		SETTINGS(recipient_delimiter), "characters that begin an address extension" },
	{ "profile", "allow_null_sender", OPTION_BOOL, "yes", OPTION_RELOAD, 0, 0, NULL,
		SETTINGS(allow_null_sender), "let users send with the sender <>" },
	{ "profile", "unknown_user", OPTION_STRING, "reject", OPTION_RELOAD | OPTION_NO_EMPTY, 0,
		255, NULL, CONFIG(given.unknown_user),
		"rule for logins without a row or a profile: reject, accept, or a profile" },
	{ "profile", "header_from", OPTION_WORD, "owned", OPTION_RELOAD, 0, 0, header_from_words,
		SETTINGS(header_from), "requirement on the addresses of the From field" },
	{ "profile", "rcpt_re_anchored", OPTION_BOOL, "no", OPTION_RELOAD, 0, 0, NULL,
		SETTINGS(rcpt_re_anchored), "rcpt_re must match the whole address" },
	{ "profile", "routed_recipients", OPTION_WORD, "refuse", OPTION_RELOAD, 0, 0, routed_words,
		SETTINGS(routed_recipients), "recipients that route around their domain" },

	{ "limits", "count", OPTION_WORD, "recipients", OPTION_RELOAD, 0, 0, count_words,
		SETTINGS(limit_count), "unit that the rate limits count" },
	{ "limits", "on_limit", OPTION_WORD, "tempfail", OPTION_RELOAD, 0, 0, on_limit_words,
		SETTINGS(on_limit), "answer to a recipient over a limit" },
	{ "limits", "attempts", OPTION_INT, "10", OPTION_RELOAD, 1, 1000000, NULL,
		SETTINGS(limit_attempts),
		"multiple of a limit that may be accepted without being sent" },
	{ "limits", "state", OPTION_PATH, "/var/lib/postern/limits.state", 0, 0, 0, NULL,
		CONFIG(limits.state), "file of the counts; empty: none" },
	{ "limits", "max_keys", OPTION_INT, "1000000", OPTION_RELOAD, 1000, 1000000000, NULL,
		CONFIG(limits.max_keys),
		"largest number of logins, clients and addresses that are counted" },
	{ "limits", "max_memory", OPTION_SIZE, "256M", OPTION_RELOAD, 1048576, INT64_C(64) << 30,
		NULL, CONFIG(limits.max_memory), "largest amount of memory for their counts" },

	{ "limit", "exempt", OPTION_STRING, "127.0.0.0/8 ::1", OPTION_RELOAD, 0, TEXT_MAX, NULL,
		CONFIG(given.limit_exempt), "clients to which [limit NAME] does not apply" },
	{ "limit", "exempt_logins", OPTION_STRING, "", OPTION_RELOAD, 0, TEXT_MAX, NULL,
		CONFIG(given.limit_exempt_logins), "logins to which it does not apply; *: all" },
	{ "limit", "exempt_senders", OPTION_STRING, "", OPTION_RELOAD, 0, TEXT_MAX, NULL,
		CONFIG(given.limit_exempt_senders), "envelope senders to which it does not apply" },
	{ "limit", "ipv6_prefix", OPTION_INT, "64", OPTION_RELOAD, 1, 128, NULL,
		CONFIG(given.ipv6_prefix),
		"prefix length of the IPv6 networks that count as one client" },

	{ "auth", "require_tls", OPTION_BOOL, "yes", OPTION_RELOAD, 0, 0, NULL,
		CONFIG(auth.require_tls),
		"accept plain-text logins only over TLS and from this machine" },
	{ "auth", "socket", OPTION_SOCKET, "", OPTION_CHOSEN, 0, OPTION_SOCKET_PATH_MAX, none_words,
		CONFIG(auth.socket),
		"socket that serves Postfix (Dovecot's auth protocol); empty: chosen at the start; or "
		"none" },
	{ "auth", "inet_socket", OPTION_SOCKET, "", 0, 0, OPTION_SOCKET_PATH_MAX, NULL,
		CONFIG(auth.inet_socket),
		"TCP socket for the same protocol, on loopback only; empty: none" },
	{ "auth", "saslauthd", OPTION_SOCKET, "unix:/run/postern/saslauthd/mux", 0, 0,
		OPTION_SOCKET_PATH_MAX, NULL, CONFIG(auth.saslauthd),
		"socket that serves Cyrus SASL; empty: none" },
	{ "auth", "socket_mode", OPTION_MODE, "0660", 0, 0, 0, NULL, CONFIG(auth.socket_mode),
		"permissions of these sockets" },
	{ "auth", "socket_group", OPTION_STRING, "", 0, 0, 255, NULL, CONFIG(auth.socket_group),
		"group of these sockets; empty: the group of the process" },
	{ "auth", "mechanisms", OPTION_SET, mechanism_names + 1, OPTION_RELOAD | OPTION_NO_EMPTY, 0,
		0, mechanism_words, CONFIG(auth.mechanisms), "SASL mechanisms that are offered" },
	{ "auth", "remember", OPTION_DURATION, "1h", OPTION_RELOAD, 0, DAY, NULL,
		CONFIG(auth.remember),
		"time for which a correct password need not be hashed again; 0: none" },
	{ "auth", "max_connections", OPTION_INT, "4096", OPTION_RELOAD, 16, 100000, NULL,
		CONFIG(auth.max_connections),
		"number of connections; another one closes the one that is idle longest" },
	{ "auth", "suspensions", OPTION_PATH, "/var/lib/postern/suspended", 0, 0, 0, NULL,
		CONFIG(auth.suspensions),
		"file of the logins that posternctl has suspended; empty: none" },

	{ "jwt", "secret", OPTION_STRING, "", OPTION_RELOAD | OPTION_SECRET, 0, 4096, NULL,
		CONFIG(jwt.secret), "shared secret of HS256, HS384 and HS512" },
	{ "jwt", "secret_file", OPTION_PATH, "", OPTION_RELOAD, 0, 0, NULL,
		CONFIG(given.secret_file), "file that contains the shared secret" },
	{ "jwt", "keys_file", OPTION_PATH, "", OPTION_RELOAD, 0, 0, NULL, CONFIG(jwt.keys_file),
		"file with public keys: PEM or JWKS" },
	{ "jwt", "issuer", OPTION_STRING, "", OPTION_RELOAD, 0, 1024, NULL, CONFIG(jwt.issuer),
		"required value of iss; empty: any" },
	{ "jwt", "audience", OPTION_STRING, "", OPTION_RELOAD, 0, 1024, NULL, CONFIG(jwt.audience),
		"value that aud must contain; empty: any" },
	{ "jwt", "login", OPTION_STRING, "token", OPTION_RELOAD | OPTION_NO_EMPTY, 0, 64, NULL,
		CONFIG(given.token_login), "login whose password is a token" },
	{ "jwt", "profile", OPTION_STRING, "token", OPTION_RELOAD | OPTION_NO_EMPTY, 0, 255, NULL,
		SETTINGS(token_profile), "name of the profile of such logins" },
	{ "jwt", "mail_claim", OPTION_STRING, "mail", OPTION_RELOAD | OPTION_NO_EMPTY, 0, 64, NULL,
		CONFIG(jwt.mail_claim), "claim that contains the sender's address" },

	{ "control", "socket", OPTION_PATH, "/run/postern/control", 0, 0, OPTION_SOCKET_PATH_MAX,
		NULL, CONFIG(control.socket), "unix socket for posternctl; empty: none" },
	{ "control", "socket_mode", OPTION_MODE, "0600", 0, 0, 0, NULL, CONFIG(control.socket_mode),
		"permissions of this socket" },
	{ "control", "socket_group", OPTION_STRING, "", 0, 0, 255, NULL,
		CONFIG(control.socket_group),
		"group of this socket; empty: the group of the process" },

	{ "log", "facility", OPTION_NAME, "mail", 0, 0, 0, facility_words, CONFIG(log.facility),
		"facility of syslog" },
	{ "log", "level", OPTION_NAME, "info", OPTION_RELOAD, 0, 0, level_words, CONFIG(log.level),
		"lowest level that is logged" },
};

#define OPTION_COUNT (sizeof(options) / sizeof(options[0]))

const struct config_option *options_all(size_t *count_r)
{
	*count_r = OPTION_COUNT;
	return options;
}
