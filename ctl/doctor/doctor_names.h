#ifndef POSTERN_DOCTOR_NAMES_H
#define POSTERN_DOCTOR_NAMES_H

#include <stdbool.h>
#include <sys/types.h>

/* Users and groups of the system. Stateless; any thread may call them. */

#define DOCTOR_NAME_SIZE 64

/* Look up a user. Returns whether it exists, with its identifier and its group. */
bool doctor_find_user(const char *name, uid_t *uid_r, gid_t *gid_r);

/* Copy the name of a user or a group; its number, if it has no name. */
void doctor_user_name(uid_t uid, char name_r[DOCTOR_NAME_SIZE]);
void doctor_group_name(gid_t gid, char name_r[DOCTOR_NAME_SIZE]);

#endif
