#ifndef POSTERN_OPTION_VALUE_H
#define POSTERN_OPTION_VALUE_H

#include "lib/base/errmsg.h"
#include "lib/conf/config.h"
#include "lib/conf/options.h"

/* The structs that receive values while a configuration is filled; no other thread uses them yet.
 */
struct option_homes {
	struct config *config;
	struct settings *settings;
	struct service *service; /* of the section that is read; NULL outside [check] */
};

/*
 * Read value as the type of the option and store it in its home; strings are copied into the arena
 * of that home. Relative paths start from homes->config->folder. Returns 0, or -1 with nothing set
 * and err such as "[check] any: "maybe" is not yes, no or warn", in which secrets are not shown.
 */
int option_set(const struct config_option *option, const struct option_homes *homes,
	const char *value, struct errmsg *err);

/* Read yes, no and the words of the same meaning. Returns 1 or 0, or -1 if value is none. */
int option_bool(const char *value);

#endif
