#ifndef POSTERN_PG_CONNINFO_H
#define POSTERN_PG_CONNINFO_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "lib/base/errmsg.h"

/* Checks of connection strings. Any thread. */

/*
 * Have libpq parse a connection string. Returns 0, or -1 with err set, which shows no part of a
 * password.
 */
int pg_check_conninfo(const char *conninfo, struct errmsg *err);

/* Copy the name of the database from a connection string; "" if it contains none. */
void pg_conninfo_database(const char *conninfo, char *name_r, size_t size);

/* Return whether the string asks libpq to wait for a connection without a limit. */
bool pg_sets_no_timeout(const char *conninfo);

/*
 * target_session_attrs=read-write and read-only ask for the server's
 * default_transaction_read_only, which sql/role.sql sets for the daemon's role, so that every
 * server looks like a standby. Returns what to do if the string contains such a value, or NULL.
 */
const char *pg_check_target(const char *conninfo);

/* Add the same to the error with which conn, whose target may come from the environment, failed. */
void pg_explain_target(PGconn *conn, struct errmsg *err);

#endif
