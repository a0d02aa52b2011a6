/*
 * Checks connection strings before libpq uses them, and explains a target that the daemon's role
 * defeats. Owns nothing; any thread may call it.
 */
#include "milter/pg/pg_conninfo.h"

#include <stdbool.h>
#include <string.h>

/* Whether a connection string may contain a password: by that name, or before the @ of a URI. */
static bool may_hold_password(const char *conninfo)
{
	const char *user = strstr(conninfo, "://"), *at = strrchr(conninfo, '@');

	return strstr(conninfo, "passw") != NULL ||
		(user != NULL && at != NULL && strchr(user + 3, ':') != NULL &&
			strchr(user + 3, ':') < at);
}

/*
 * libpq quotes a bad connection string in its error message. Therefore the string is parsed before
 * it is used, and libpq's message is shown only if the string can contain no password.
 */
int pg_check_conninfo(const char *conninfo, struct errmsg *err)
{
	bool is_string = strchr(conninfo, '=') != NULL || strstr(conninfo, "://") != NULL;
	PQconninfoOption *options;
	char *message = NULL;

	if (!is_string)
		return 0; /* the name of a database */
	if ((options = PQconninfoParse(conninfo, &message)) != NULL) {
		PQconninfoFree(options);
		return 0;
	}
	if (message == NULL || may_hold_password(conninfo))
		(void)errmsg_set(err,
			"libpq cannot read the connection string (not shown here, because it may "
			"contain a password)");
	else
		(void)errmsg_set(err, "%.*s", (int)strcspn(message, "\n"), message);
	PQfreemem(message);
	return -1;
}

static const char *remedy_of(const char *target)
{
	if (target != NULL && strcmp(target, "read-write") == 0)
		return "target_session_attrs=read-write reaches no server with a role that has "
		       "default_transaction_read_only = on, as sql/role.sql sets it; use "
		       "target_session_attrs=primary";
	if (target != NULL && strcmp(target, "read-only") == 0)
		return "target_session_attrs=read-only accepts every server with a role that has "
		       "default_transaction_read_only = on, as sql/role.sql sets it; use "
		       "target_session_attrs=prefer-standby or standby";
	return NULL;
}

static const char *find_target(const PQconninfoOption *options)
{
	for (; options != NULL && options->keyword != NULL; options++) {
		if (strcmp(options->keyword, "target_session_attrs") == 0)
			return options->val;
	}
	return NULL;
}

const char *pg_check_target(const char *conninfo)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	const char *remedy = remedy_of(find_target(options));

	PQconninfoFree(options);
	return remedy;
}

void pg_explain_target(PGconn *conn, struct errmsg *err)
{
	PQconninfoOption *options = PQconninfo(conn);
	const char *target = find_target(options), *remedy = remedy_of(target);
	struct errmsg why = *err;

	if (remedy != NULL && strcmp(target, "read-write") == 0)
		(void)errmsg_set(err, "%s (%s)", why.text, remedy);
	PQconninfoFree(options);
}
