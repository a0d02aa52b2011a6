#ifndef POSTERN_OPTION_VALUE_H
#define POSTERN_OPTION_VALUE_H

#include "lib/base/errmsg.h"
#include "lib/conf/config.h"
#include "lib/conf/options.h"

/* Where values go while a config is filled; the structs are still the caller's alone. */
struct option_homes {
	struct config *config;
	struct settings *settings;
	struct service *service; /* of the section being read; NULL outside [check] */
};

/*
 * Read value as the option's type wants it and put it into its home; strings go to that home's
 * arena. Relative paths start from homes->config->folder. 0, or -1 with err as
 * "[check] any: "maybe" is not yes, no or warn" (secrets are not shown) and nothing set.
 */
int option_set(const struct config_option *option, const struct option_homes *homes,
	const char *value, struct errmsg *err);

#endif
