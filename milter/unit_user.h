#ifndef POSTERN_UNIT_USER_H
#define POSTERN_UNIT_USER_H

#include <stdbool.h>

#include "milter/process.h"

/*
 * Find the user and the groups (User=, Group=, SupplementaryGroups=) with which systemd runs the
 * daemon, by asking systemctl(1). Returns true with *user_r set if the unit postern.service is
 * active or enabled; false without systemd, or with err set ("" otherwise) if the unit's user or
 * group does not exist.
 */
bool unit_user_find(struct process_user *user_r, struct errmsg *err);

#endif
