#ifndef POSTERN_CONF_CONFIG_ACCESS_H
#define POSTERN_CONF_CONFIG_ACCESS_H

#include "lib/conf/config.h"

/*
 * Add a note to problems for each socket to which more processes can connect than the MTA and the
 * administrator's: inet sockets, and unix sockets whose mode has bits for others. Postern believes
 * every process that connects. Thread-safe.
 */
void config_note_access(const struct config *config, struct problems *problems);

/* Add a note about the configuration, and each unix socket and file on which decisions depend, that
 * others can change or replace now, and about each socket that its socket_group cannot reach. The
 * lists, the store and the keys are looked at when they are read. Thread-safe. */
void config_note_files(const struct config *config, struct problems *problems);

#endif
