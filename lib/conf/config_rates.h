#ifndef POSTERN_CONFIG_RATES_H
#define POSTERN_CONFIG_RATES_H

#include "lib/conf/config.h"
#include "lib/conf/ini.h"

/* The sections [limit NAME]: part of config.c. */

/* Whether the section begins with "limit " and so is one of them, or is meant to be. */
bool config_is_rates(const char *section);

/* Take a section's beginning or one of its keys. 0, or -1 with err set. */
int config_take_rate(struct settings *settings, const struct ini_entry *entry, struct errmsg *err);

/*
 * Take [limit]'s keys, and let go of the rates when they limit nothing. 0, or -1 with err set and
 * *key_r the key that is wrong.
 */
int config_finish_rates(struct config *config, const char **key_r, struct errmsg *err);

#endif
