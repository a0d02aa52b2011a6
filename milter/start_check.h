#ifndef POSTERN_START_CHECK_H
#define POSTERN_START_CHECK_H

#include <stddef.h>

#include "lib/conf/config.h"

/*
 * Find the errors that would keep a daemon with this configuration from starting or from reaching
 * its database, although each value has the right form: groups that do not exist, sockets that
 * other machines can reach, a connection string that libpq cannot read. Adds "FILE:LINE: [section]
 * key: ..." to errors for each, and returns their number. May wait for
 * DNS. Any thread.
 */
size_t start_check(const struct config *config, struct problems *errors);

#endif
