#ifndef POSTERN_MADE_CONFIG_H
#define POSTERN_MADE_CONFIG_H

#include "lib/conf/config.h"

/* The configuration that text is, as if it were /etc/p/p.conf. The caller gets a reference. An
 * error in it fails the test. */
const struct config *made_config(const char *text);

#endif
