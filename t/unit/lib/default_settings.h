#ifndef POSTERN_DEFAULT_SETTINGS_H
#define POSTERN_DEFAULT_SETTINGS_H

#include "lib/rules/settings.h"

/*
 * The settings of a configuration that leaves every key at its default, but has a key for tokens:
 * without one, no login is a token's. The caller gets the only reference, so that a test may change
 * them. A failure ends the program (abort).
 */
struct settings *default_settings(void);

#endif
