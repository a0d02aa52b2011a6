/*
 * Checks a configuration for errors that only the daemon's own libraries can find, for -n and
 * before a reload puts it in force. Owns nothing; any thread may call it.
 * t/integration/test_faults.py covers it.
 */
#include "milter/start_check.h"

#include "milter/auth/auth_sockets.h"
#include "milter/loop/listen.h"
#include "milter/pg/pg_conninfo.h"
#include "milter/smtp/milter_address.h"

static void check_group(const struct config *config, const char *section, const char *group,
	struct problems *errors)
{
	struct errmsg err;
	gid_t gid;

	if (listen_group(group, &gid, &err) == 0)
		return;
	(void)config_key_error(config, section, "socket_group", &err);
	problems_add(errors, "%s", err.text);
}

static void check_milter_socket(const struct config *config, struct problems *errors)
{
	char name[MILTER_ADDRESS_SIZE];
	struct errmsg err;

	if (milter_address_find(config->milter.socket, config->milter.allow_remote, name, &err) ==
		0)
		return;
	(void)config_key_error(config, "milter", "socket", &err);
	problems_add(errors, "%s", err.text);
}

/* Check one socket for logins, as if there were no other. */
static void check_auth_socket(const struct config *config, const char *key,
	const struct config_auth *auth, struct problems *errors)
{
	struct errmsg err;

	if (auth_sockets_check(auth, &err) == 0)
		return;
	(void)errmsg_prefix(&err, "%s:%u: ", config->path, config_line(config, "auth", key));
	problems_add(errors, "%s", err.text);
}

static void check_conninfo(const struct config *config, struct problems *errors)
{
	struct errmsg err;

	/* First without the password of another key, so that libpq's message can be shown. */
	if (pg_check_conninfo(config->given.conninfo, &err) == 0 &&
		pg_check_conninfo(config->database.conninfo, &err) == 0)
		return;
	(void)config_key_error(config, "database", "conninfo", &err);
	problems_add(errors, "%s", err.text);
}

size_t start_check(const struct config *config, struct problems *errors)
{
	const size_t before = problems_count(errors);
	const struct config_auth *auth = &config->auth;

	check_group(config, "milter", config->milter.socket_group, errors);
	check_group(config, "auth", auth->socket_group, errors);
	check_group(config, "control", config->control.socket_group, errors);
	check_milter_socket(config, errors);
	check_auth_socket(config, "socket",
		&(struct config_auth){ .socket = auth->socket, .inet_socket = "", .saslauthd = "" },
		errors);
	check_auth_socket(config, "inet_socket",
		&(struct config_auth){ .socket = "",
			.inet_socket = auth->inet_socket,
			.saslauthd = "" },
		errors);
	check_auth_socket(config, "saslauthd",
		&(struct config_auth){ .socket = "",
			.inet_socket = "",
			.saslauthd = auth->saslauthd },
		errors);
	if (config->database.present)
		check_conninfo(config, errors);
	return problems_count(errors) - before;
}
