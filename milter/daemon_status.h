#ifndef POSTERN_DAEMON_STATUS_H
#define POSTERN_DAEMON_STATUS_H

#include "lib/conf/config.h"
#include "milter/shared/snapshot.h"
#include "milter/shared/status.h"

/*
 * The status sections daemon (the process and its configuration) and log. The object keeps what
 * was logged about the configuration when it was read, so that status still reports it later.
 */
struct daemon_status;

/*
 * Call this when the daemon has its sockets, because their files are remembered as they are then.
 * config is the one that the daemon started with; user is the one that it runs as ("": not
 * changed). Strings and config are borrowed and must outlive the object. NULL when out of memory.
 */
struct daemon_status *daemon_status_new(const struct config *config, const char *config_path,
	const char *user);
void daemon_status_free(struct daemon_status **status); /* accepts NULL */

/* Report that a reload has put this configuration in force; takes a reference. Any thread. */
void daemon_status_set_config(struct daemon_status *status, const struct config *config);

/* Compare the file of the public suffix list with the list of the policy in force. The snapshot is
 * borrowed and must outlive the object. Call it before the section is registered. */
void daemon_status_set_snapshot(struct daemon_status *status, struct snapshot *snapshot);

/* Register the section daemon, and the section log. -1 when out of memory. */
int daemon_status_register(struct daemon_status *status, struct status *registry);
int log_status_register(struct status *registry);

#endif
