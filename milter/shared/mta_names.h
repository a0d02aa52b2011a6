#ifndef POSTERN_MTA_NAMES_H
#define POSTERN_MTA_NAMES_H

#include <stddef.h>

/*
 * The host names under which MTAs have introduced themselves (macro j) since the start: the names
 * at which recipients without a domain are counted while [lists] local_domains is empty. Any thread
 * may call any function.
 */
struct mta_names;

/* Further names are not remembered: usually one MTA uses a daemon. */
#define MTA_NAMES_MAX 4

struct mta_names *mta_names_new(void);	       /* returns NULL when out of memory */
void mta_names_free(struct mta_names **names); /* accepts NULL */

/* Remember a canonical name. When out of memory, it is forgotten. */
void mta_names_add(struct mta_names *names, const char *name);

/* Write the names, which live as long as the object, in the order of their first use. Returns their
 * number. */
size_t mta_names_get(struct mta_names *names, const char *names_r[MTA_NAMES_MAX]);

#endif
