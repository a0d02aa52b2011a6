#ifndef POSTERN_UNIT_H
#define POSTERN_UNIT_H

#include <stdbool.h>

#include "milter/process.h"

#define UNIT_NAME "postern.service"
#define UNIT_TEXT_MAX 4096

/* What systemd's unit lets the daemon do. A plain value. */
struct unit {
	struct process_user user; /* User=, Group= and SupplementaryGroups= */
	bool sees_other_groups; /* not PrivateUsers=yes: sockets can get the user's other groups */
	bool writes_anywhere;	/* not ProtectSystem=strict */
	bool hides_homes;	/* ProtectHome=yes or =tmpfs */
	bool hides_tmp;		/* PrivateTmp=yes or =disconnected */
	char writable[UNIT_TEXT_MAX]; /* otherwise the directories to which it may write: absolute
					 paths, separated by spaces */
	char sockets[UNIT_TEXT_MAX];  /* the paths that systemd's socket units hold for it: the same
				       */
};

/*
 * Ask systemctl(1) how systemd runs the daemon. Returns true with *unit_r set if the unit is active
 * or enabled; false without systemd, or with err set ("" otherwise) if the unit's user or group
 * does not exist.
 */
bool unit_find(struct unit *unit_r, struct errmsg *err);

#endif
