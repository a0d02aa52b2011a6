#ifndef POSTERN_DEFAULT_SETTINGS_H
#define POSTERN_DEFAULT_SETTINGS_H

#include "lib/rules/settings.h"

/*
 * The settings of a configuration that leaves every key at its default, but has a database and a
 * key for tokens: without those, profiles and token logins are off. One reference, which is the
 * only one, so that a test may change them. A failure ends the program (abort).
 */
struct settings *default_settings(void);

#endif
