#ifndef POSTERN_CONF_CONFIG_EFFECT_H
#define POSTERN_CONF_CONFIG_EFFECT_H

#include "lib/conf/config.h"

/*
 * Report settings that are correct by themselves, but cannot have an effect: mechanisms for tokens
 * alone, and settings of tokens, if there is no key; sections [check NAME] with names that no
 * service can have. Also report invisible characters in names of logins. Thread-safe.
 */
void config_report_effect(const struct config *config, struct problems *problems);

#endif
