#ifndef POSTERN_PG_HOSTS_H
#define POSTERN_PG_HOSTS_H

#include <libpq-fe.h>

#include "milter/pg/pg_connection.h"

/*
 * Some of the hosts of a connection string, as libpq's parameters: lists separated by commas. libpq
 * tries the hosts only until one accepts; with these lists, it goes on with the others. Any thread.
 */
struct pg_hosts {
	char *host, *hostaddr; /* "": not given */
	char *port;
};

/* pg_other_hosts() for a connection of libpq, whose hosts may also come from a service or the
 * environment. */
struct pg_hosts *pg_hosts_besides(PGconn *conn);

#endif
