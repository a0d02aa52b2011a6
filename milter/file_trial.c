/*
 * Opens and creates files for `postern -n` as the daemon would, and reports what fails. Owns
 * nothing; one thread calls it, as the daemon's user. t/integration/test_faults.py covers it.
 */
#include "milter/file_trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/conf/file.h"

bool file_trial_open(const char *path, const char *user, const char *so, struct problems *problems)
{
	struct errmsg why;

	if (path[0] == '\0' || file_try_open(path, &why) != FILE_FAILED)
		return true;
	if (user[0] == '\0' || strcmp(why.text, strerror(EACCES)) != 0)
		problems_add(problems, "%s: %s, so that %s", path, why.text, so);
	else
		problems_add(problems, "%s: user %s cannot read it, so that %s: %s", path, user, so,
			why.text);
	return false;
}

void file_trial_create(const char *path, const char *user, const char *so,
	struct problems *problems)
{
	char *folder = path[0] == '\0' ? NULL : file_directory(path);
	struct errmsg why;

	if (folder != NULL && file_try_create(folder, &why) != 0)
		problems_add(problems, "%s: %s%s cannot create files in %s, so that %s: %s", path,
			user[0] == '\0' ? "the process" : "user ", user, folder, so, why.text);
	free(folder);
}
