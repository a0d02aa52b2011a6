#ifndef POSTERN_CONFIG_SETTINGS_H
#define POSTERN_CONFIG_SETTINGS_H

#include <stdbool.h>

#include "lib/conf/config.h"

/* One key of a configuration in force. The strings live as long as the call. */
struct config_setting {
	const char *section; /* also "check NAME" and "limit NAME" */
	const char *name;    /* NULL: the section exists, which has a meaning of its own */
	const char *value;   /* as postern.conf would contain it, without secrets (option_text.h) */
	bool is_default;     /* or, in [check NAME], that of [check] */
};

typedef void config_setting_fn(void *context, const struct config_setting *setting);

/*
 * Call each() for every setting: those of the option table in its order, behind [check] those of
 * each [check NAME], and behind [limit] the keys of each [limit NAME], which are read from the file
 * again. [database] is omitted unless the file contains it, and keys without a meaning always.
 * Returns 0, or -1 with err set.
 */
int config_settings_each(const struct config *config, config_setting_fn *each, void *context,
	struct errmsg *err);

#endif
