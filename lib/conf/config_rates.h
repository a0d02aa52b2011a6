#ifndef POSTERN_CONFIG_RATES_H
#define POSTERN_CONFIG_RATES_H

#include "lib/conf/config.h"
#include "lib/conf/ini.h"

/* The sections [limit] and [limit NAME] of postern.conf; used by config*.c only. */

/* Return whether the section is [limit NAME], with a known NAME or not. */
bool config_is_rates(const char *section);

/* Read the beginning of such a section or one of its keys. Returns 0, or -1 with err set. */
int config_read_rate(struct settings *settings, const struct ini_entry *entry, struct errmsg *err);

/*
 * Apply the keys of [limit], and free the rates if they limit nothing. Returns 0, or -1 with err
 * set and the wrong key in *key_r.
 */
int config_apply_rates(struct config *config, const char **key_r, struct errmsg *err);

#endif
