/*
 * Checks connection strings before libpq uses them, and explains a target that the daemon's role
 * defeats. Owns nothing; any thread may call it.
 */
#include "milter/pg/pg_conninfo.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/near_name.h"
#include "lib/base/text.h"
#include "lib/conf/conninfo.h"

/* Return whether a connection string, which has an error, may contain a password: by that name, or
 * before the @ of a URI. */
static bool may_hold_password(const char *conninfo)
{
	const char *user = strstr(conninfo, "://"), *at = strrchr(conninfo, '@');

	return strstr(conninfo, "passw") != NULL || conninfo_has_password(conninfo) ||
		(user != NULL && at != NULL && strchr(user + 3, ':') != NULL &&
			strchr(user + 3, ':') < at);
}

/* Return the parameter that a name is probably meant as, or NULL: it is one, or none is near. */
static const char *near_parameter(const PQconninfoOption *options, const char *typed)
{
	const char *near = NULL;
	unsigned best = NEAR_NAME_MAX;

	if (typed[0] == '\0')
		return NULL;
	for (; options->keyword != NULL; options++) {
		if (near_name_better(typed, options->keyword, &best))
			near = options->keyword;
	}
	return best == 0 ? NULL : near;
}

/* Return the parameter that the first mistyped name probably means, or NULL. */
static const char *find_mistyped(const PQconninfoOption *options, const char *conninfo)
{
	struct conninfo_walk walk = conninfo_walk(conninfo);
	const char *near = NULL;

	while (near == NULL && conninfo_next(&walk)) {
		if (walk.is_whole)
			near = near_parameter(options, walk.key);
	}
	return near;
}

/* Add the parameter that is probably meant to the message about a string that libpq refuses. */
static void add_meant(const char *conninfo, struct errmsg *err)
{
	PQconninfoOption *options = PQconndefaults();
	const struct errmsg why = *err;
	const char *meant = options == NULL ? NULL : find_mistyped(options, conninfo);

	if (meant != NULL)
		(void)errmsg_set(err, "%s; did you mean \"%s\"?", why.text, meant);
	PQconninfoFree(options);
}

/* Return the value of a parameter, or NULL. options may be NULL. */
static const char *find_value(const PQconninfoOption *options, const char *keyword)
{
	for (; options != NULL && options->keyword != NULL; options++) {
		if (strcmp(options->keyword, keyword) == 0)
			return options->val;
	}
	return NULL;
}

/*
 * Return whether a URI has a password with a character that ends it. libpq takes the rest for a
 * host, a port or a database, which its messages would show.
 */
static bool is_password_cut(const char *conninfo, const PQconninfoOption *options)
{
	const char *begin = strstr(conninfo, "://"), *port = find_value(options, "port");
	const char *mark = begin == NULL ? NULL : strpbrk(begin + 3, "@/");

	if (begin == NULL || !conninfo_walk(conninfo).is_uri)
		return false;
	return (port != NULL && port[strspn(port, "0123456789,")] != '\0') ||
		(mark != NULL && memchr(mark + 1, '@', strcspn(mark + 1, "?")) != NULL);
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
		const bool is_cut = is_password_cut(conninfo, options);

		PQconninfoFree(options);
		if (!is_cut)
			return 0;
		return errmsg_set(err,
			"in the password of a URI, write %%40 for @ and %%2F for /; its parts are not "
			"shown here");
	}
	if (message == NULL || may_hold_password(conninfo))
		(void)errmsg_set(err,
			"libpq cannot read the connection string (not shown here, because it may "
			"contain a password)");
	else
		(void)errmsg_set(err, "%.*s", (int)strcspn(message, "\n"), message);
	PQfreemem(message);
	if (err != NULL)
		add_meant(conninfo, err);
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

void pg_conninfo_database(const char *conninfo, char *name_r, size_t size)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	const char *name = find_value(options, "dbname");

	(void)text_format(name_r, size, "%s", name != NULL ? name : "");
	PQconninfoFree(options);
}

bool pg_sets_no_timeout(const char *conninfo)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	const char *timeout = find_value(options, "connect_timeout");
	bool sets_none = timeout != NULL && strtol(timeout, NULL, 10) <= 0;

	PQconninfoFree(options);
	return sets_none;
}

const char *pg_check_target(const char *conninfo)
{
	PQconninfoOption *options = PQconninfoParse(conninfo, NULL);
	const char *remedy = remedy_of(find_value(options, "target_session_attrs"));

	PQconninfoFree(options);
	return remedy;
}

void pg_explain_target(PGconn *conn, struct errmsg *err)
{
	PQconninfoOption *options = PQconninfo(conn);
	const char *target = find_value(options, "target_session_attrs");
	const char *remedy = remedy_of(target);
	struct errmsg why = *err;

	if (remedy != NULL && strcmp(target, "read-write") == 0)
		(void)errmsg_set(err, "%s (%s)", why.text, remedy);
	PQconninfoFree(options);
}
