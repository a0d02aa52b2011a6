/*
 * Looks up users and groups of the system for the examinations of doctor. Owns nothing.
 * t/integration/test_doctor_sockets.py covers it.
 */
#include "ctl/doctor/doctor_names.h"

#include <grp.h>
#include <pwd.h>

#include "lib/base/text.h"

#define ENTRY_SIZE 16384

bool doctor_find_user(const char *name, uid_t *uid_r, gid_t *gid_r)
{
	struct passwd entry, *found = NULL;
	char text[ENTRY_SIZE];

	if (getpwnam_r(name, &entry, text, sizeof(text), &found) != 0 || found == NULL)
		return false;
	*uid_r = found->pw_uid;
	*gid_r = found->pw_gid;
	return true;
}

void doctor_user_name(uid_t uid, char name_r[DOCTOR_NAME_SIZE])
{
	struct passwd entry, *found = NULL;
	char text[ENTRY_SIZE];

	if (getpwuid_r(uid, &entry, text, sizeof(text), &found) == 0 && found != NULL)
		(void)text_format(name_r, DOCTOR_NAME_SIZE, "%s", found->pw_name);
	else
		(void)text_format(name_r, DOCTOR_NAME_SIZE, "%u", (unsigned)uid);
}

void doctor_group_name(gid_t gid, char name_r[DOCTOR_NAME_SIZE])
{
	struct group entry, *found = NULL;
	char text[ENTRY_SIZE];

	if (getgrgid_r(gid, &entry, text, sizeof(text), &found) == 0 && found != NULL)
		(void)text_format(name_r, DOCTOR_NAME_SIZE, "%s", found->gr_name);
	else
		(void)text_format(name_r, DOCTOR_NAME_SIZE, "%u", (unsigned)gid);
}
