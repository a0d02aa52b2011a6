#ifndef POSTERN_CONF_CONFIG_EFFECT_H
#define POSTERN_CONF_CONFIG_EFFECT_H

#include "lib/conf/config.h"

/*
 * Report settings that are correct each by itself, but cannot have an effect: mechanisms for tokens
 * alone and settings of tokens, without a key; sections [check NAME] with names that no service
 * has. Thread-safe.
 */
void config_report_effect(const struct config *config, struct problems *problems);

#endif
