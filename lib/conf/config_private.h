#ifndef POSTERN_CONFIG_PRIVATE_H
#define POSTERN_CONFIG_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/conf/config.h"
#include "lib/conf/option_value.h"

/* A configuration that is being filled. */
struct config_filling {
	struct config *config;
	struct option_homes homes;
	struct service *services; /* [0]: [check] itself */
	size_t service_count;
	bool of_services; /* this pass over the file reads [check NAME], the other one the rest */
	const char *user; /* the daemon's, in place of [milter] user; NULL: that one */
	unsigned *lines;  /* the config's */
	struct problems *errors; /* NULL: the first error ends the loading */
};

/* Set the members that follow from other keys, once the file is read. Returns 0, or -1 with err set
 * to the first error. */
int config_derive(struct config_filling *f, struct errmsg *err);

#endif
