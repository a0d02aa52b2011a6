#ifndef POSTERN_OPEN_CLIENTS_H
#define POSTERN_OPEN_CLIENTS_H

#include <stdint.h>

/*
 * How many connections are open of each key (rates_concurrency_key()). Takes memory for those that
 * have one open. Any thread.
 */
struct open_clients;

struct open_clients *open_clients_new(void);	       /* NULL when out of memory */
void open_clients_free(struct open_clients **clients); /* takes NULL */

/* One more; returns how many that makes. 0 when out of memory: then there is none to leave. */
uint32_t open_clients_enter(struct open_clients *clients, const char *key);

/* One less. */
void open_clients_leave(struct open_clients *clients, const char *key);

#endif
