/*
 * Checks for `postern -n` whether a daemon can read the counts of rate limits and keep them. Owns
 * nothing; one thread calls it, as the daemon's user. t/integration/test_faults.py covers it.
 */
#include "milter/limits_check.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/conf/file.h"
#include "milter/file_trial.h"
#include "milter/ledger/ledger_load.h"
#include "milter/lock_check.h"

/* Return whether `name` is that of the counts' file, or of a file that belongs to it. */
static bool is_of_limits(const char *name, const char *base)
{
	const size_t len = strlen(base);
	const char *ending = name + len;

	if (strncmp(name, base, len) != 0)
		return false;
	return ending[0] == '\0' || strcmp(ending, ".prev") == 0 || strcmp(ending, ".lock") == 0 ||
		(ending[0] == '.' && ending[1] != '\0' &&
			strspn(ending + 1, "0123456789") == strlen(ending + 1));
}

/* Report damaged files, of which a daemon that starts reads what it can. */
static void check_counts(const char *state, struct problems *problems)
{
	struct problems *damages = problems_new();
	struct errmsg err;

	if (damages != NULL && ledger_load_check(state, damages, &err) != 0)
		problems_add(damages, "%s", err.text);
	for (size_t i = 0; damages != NULL && i < problems_kept(damages); i++)
		problems_add(problems, "a daemon that starts may lose counts of rate limits: %s",
			problems_text(damages, i));
	problems_free(&damages);
}

/* Report a name that is too long for the files beside it, whose names have an ending. */
static void check_limits_name(const char *name, const char *folder, const char *so,
	struct problems *problems)
{
	static const char ending[] = ".999999999"; /* of a journal */
	const long max = pathconf(folder, _PC_NAME_MAX);

	if (max > 0 && strlen(name) + sizeof(ending) - 1 > (size_t)max)
		problems_add(problems,
			"[limits] state: the name of the file is too long, so that %s; it can have up "
			"to %ld bytes: %s",
			so, max - (long)(sizeof(ending) - 1), name);
}

void limits_check(const struct config *config, const char *user, struct files_report *report)
{
	static const char so[] = "the counts of rate limits do not outlive a restart";
	const char *state = config->limits.state, *slash = strrchr(state, '/');
	const char *name = slash == NULL ? state : slash + 1;
	char *folder = state[0] == '\0' ? NULL : file_directory(state), *path;
	const struct dirent *entry;
	bool are_readable = true;
	DIR *open_folder;

	if (folder == NULL)
		return;
	if ((open_folder = opendir(folder)) != NULL) {
		/* cppcheck-suppress readdirCalled ; no other thread reads this stream */
		while ((entry = readdir(open_folder)) != NULL) {
			if (!is_of_limits(entry->d_name, name) ||
				asprintf(&path, "%s/%s", folder, entry->d_name) < 0)
				continue;
			are_readable &= file_trial_open(path, user, so, report->unreadable);
			free(path);
		}
		(void)closedir(open_folder);
		if (are_readable)
			check_counts(state, report->problems);
	}
	check_limits_name(name, folder, so, report->unreadable);
	free(folder);
	file_trial_create(state, user, so, report->unreadable);
	lock_check(config, state, "[limits] state", so, report->unreadable);
}
