#ifndef POSTERN_OPEN_CLIENTS_H
#define POSTERN_OPEN_CLIENTS_H

#include <stdint.h>

/*
 * Counts the open connections of each key (rates_concurrency_key()). Only keys with an open
 * connection use memory. Any thread may call any function.
 */
struct open_clients;

struct open_clients *open_clients_new(void);	       /* returns NULL when out of memory */
void open_clients_free(struct open_clients **clients); /* accepts NULL */

/*
 * Count a connection of the key. Returns the number of its open connections, including this one, or
 * 0 when out of memory: then the connection is not counted, and open_clients_leave() must not be
 * called for it.
 */
uint32_t open_clients_enter(struct open_clients *clients, const char *key);

/* End a connection that open_clients_enter() has counted. */
void open_clients_leave(struct open_clients *clients, const char *key);

#endif
