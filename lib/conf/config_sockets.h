#ifndef POSTERN_CONF_CONFIG_SOCKETS_H
#define POSTERN_CONF_CONFIG_SOCKETS_H

#include <sys/types.h>

#include "lib/base/errmsg.h"
#include "lib/conf/config.h"

/* The folders of the sockets that postern.conf leaves empty. Debian's smtpd sees the first one in
 * its chroot, where its name is "postern". */
#define SOCKETS_POSTFIX_FOLDER "/var/spool/postfix/postern"
#define SOCKETS_RUN_FOLDER "/run/postern"
#define SOCKETS_MILTER_NAME "postern.sock"
#define SOCKETS_AUTH_NAME "auth"

/*
 * Choose the folder of sockets: postfix_folder if it is a directory (not a link) that belongs to
 * the user and in which others may not write, else SOCKETS_RUN_FOLDER. If postfix_folder exists but
 * is not chosen, why_r has the reason, otherwise "". Thread-safe.
 */
const char *config_sockets_folder(const char *postfix_folder, uid_t user, struct errmsg *why_r);

/*
 * Give the settings [milter] socket and [auth] socket of a configuration that is being loaded their
 * final values: an empty one becomes a socket in the chosen folder, and [auth] socket "none"
 * becomes
 * "". `user` is the daemon's; postfix_folder is SOCKETS_POSTFIX_FOLDER except in tests. Adds a note
 * to config->warnings if that exists but is not chosen. Returns 0, or -1 with err set when out of
 * memory.
 *
 * config_derive.c calls this for whoever loads a configuration, so that the daemon, postern -n and
 * posternctl agree on the sockets.
 */
int config_choose_sockets(struct config *config, const char *postfix_folder, uid_t user,
	struct errmsg *err);

#endif
