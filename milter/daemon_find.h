#ifndef POSTERN_DAEMON_FIND_H
#define POSTERN_DAEMON_FIND_H

#include <stdbool.h>
#include <sys/types.h>

#define DAEMON_NAME_SIZE 64
#define DAEMON_PATH_SIZE 4096

/* Read the name of a process. Returns false if it is unknown. */
bool daemon_find_name(long pid, char name_r[DAEMON_NAME_SIZE]);

/* Return whether the process, which has this name, is a daemon of the user or of root. Anybody can
 * give the daemon's name to a process. */
bool daemon_find_is_ours(long pid, const char *name, uid_t user);

/* Return whether a daemon of ours has another configuration than the file own, and write its path;
 * false if that is not known. */
bool daemon_find_other_config(long pid, const char *own, char path_r[DAEMON_PATH_SIZE]);

/* Return whether a daemon runs that has this configuration or an unknown one, and that a restart
 * would therefore end. `postern -n` itself does not count. */
bool daemon_find_running(const char *config_path, uid_t user);

#endif
