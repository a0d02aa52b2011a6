#ifndef POSTERN_CONNINFO_H
#define POSTERN_CONNINFO_H

#include <stdbool.h>

#include "lib/base/strbuf.h"
#include "lib/conf/config.h"

/*
 * Add libpq's connection string for the keys of [database]: conninfo unchanged (key=value pairs or
 * a URI), or host, port, database and user, each quoted; then the password, if one is set.
 */
void conninfo_build(const struct config_given *given, struct strbuf *text);

/*
 * A walk along the parameters of a connection string; those in front of the ? of a URI are not
 * among them. The pointers are into the string.
 */
#define CONNINFO_KEY_SIZE 40 /* of the longest name and more */
struct conninfo_walk {
	const char *at;		  /* the rest */
	const char *name, *value; /* as written, the value with its quotes */
	size_t name_len, value_len;
	char key[CONNINFO_KEY_SIZE]; /* the name as libpq reads it; "" if it is too long */
	bool is_uri;
	bool is_whole; /* else it lacks a name, the = or the closing quote */
};
struct conninfo_walk conninfo_walk(const char *conninfo);

/* Go to the next parameter. Returns whether there is one. */
bool conninfo_next(struct conninfo_walk *walk);

/* Return whether a connection string contains a password, of the role or of its key for TLS. */
bool conninfo_has_password(const char *conninfo);

/*
 * Add the value of a parameter, such as dbname or user, as libpq reads it: the last one counts.
 * Adds nothing if it is not there. It may itself be a connection string.
 */
void conninfo_value(const char *conninfo, const char *key, struct strbuf *value);

/*
 * Add a connection string for people to read: the password of a URI, and the values of all
 * parameters that are not known to be harmless, become CONNINFO_HIDDEN. What follows an error in
 * its syntax is hidden, too.
 */
#define CONNINFO_HIDDEN "********"
void conninfo_hide(const char *conninfo, struct strbuf *text);

#endif
