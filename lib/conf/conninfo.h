#ifndef POSTERN_CONNINFO_H
#define POSTERN_CONNINFO_H

#include "lib/base/strbuf.h"
#include "lib/conf/config.h"

/*
 * Add libpq's connection string for the keys of [database]: conninfo unchanged (key=value pairs or
 * a URI), or host, port, database and user, each quoted; then the password, if one is set.
 */
void conninfo_build(const struct config_given *given, struct strbuf *text);

#endif
