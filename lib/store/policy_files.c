/*
 * Makes a policy from the files alone, for `postern -n`, posternctl and the benchmarks. Holds no
 * state; any thread.
 */
#include "lib/store/policy_files.h"
#include "lib/store/psl_file.h"

#include <string.h>

#include "lib/conf/options.h"
#include "lib/rules/policy_check.h"
#include "lib/store/list_files.h"
#include "lib/store/store_read.h"

void policy_check_store(const struct config *config, struct problems *notes,
	struct problems *missing)
{
	const char *path = config->store.path;
	struct errmsg err;

	if (config->database.present || path[0] == '\0')
		return;
	if (strcmp(path, options_find("store", "path")->fallback) == 0) {
		problems_note(notes,
			"there is no database and no store (%s), so that no rules of users are in "
			"force; leave [store] path empty if that is intended",
			path);
		return;
	}
	(void)errmsg_set(&err,
		"%s does not exist, so that no rules of users are in force; create it, correct "
		"the path, or leave it empty",
		path);
	(void)config_key_error(config, "store", "path", &err);
	problems_add(missing, "%s", err.text);
}

/* Set the users and profiles of the JSON store in parts; a missing file contains none. */
static int read_store(const struct config *config, struct policy_parts *parts,
	struct files_rows *rows, struct problems *problems, struct errmsg *err)
{
	const struct store_source source = {
		.rcpt_re_anchored = config->settings->rcpt_re_anchored,
		.user = config->user,
		.problems = problems,
	};
	struct store store = { 0 };

	rows->users = config->database.present ? FILES_USERS_UNKNOWN : FILES_USERS_NONE;
	if (store_is_missing(config->store.path)) {
		parts->lists_only = !config->database.present;
		return 0;
	}
	switch (store_read_with_prev(config->store.path, &source, &store, err)) {
	case STORE_READ:
		parts->profiles = profiles_ref(store.profiles);
		parts->users = users_ref(store.users);
		rows->users = config->database.present ? FILES_USERS_COPY : FILES_USERS_STORE;
		rows->written = store.written;
		store_clear(&store);
		return 0;
	case STORE_MISSING:
		return 0;
	case STORE_REFUSED:
		break;
	}
	return -1;
}

int policy_from_files(const struct config *config, struct policy **policy_r,
	struct files_rows *rows_r, struct problems *problems, struct errmsg *err)
{
	struct policy_parts parts = { .settings = config->settings };
	struct list_source lists = {
		.directory = config->lists.directory,
		.max_file = config->lists.max_file,
		.user = config->user,
		.problems = problems,
	};
	struct files_rows rows = { .users = FILES_USERS_NONE };
	struct policy *policy = NULL;

	if (psl_file_open(config->lists.public_suffix_list, &parts.psl, err) < 0)
		return -1;
	lists.psl = parts.psl;
	if (list_files_read(&lists, parts.lists, err) < 0)
		goto out;
	if (read_store(config, &parts, &rows, problems, err) < 0)
		goto out;
	policy_check(&parts, problems);
	if ((policy = policy_new(&parts)) == NULL)
		(void)errmsg_set(err, "%s: out of memory", config->path);
out:
	profiles_unref(&parts.profiles);
	users_unref(&parts.users);
	list_files_free(parts.lists);
	orgdomain_unref(&parts.psl);
	if (policy == NULL)
		return -1;
	*policy_r = policy;
	if (rows_r != NULL)
		*rows_r = rows;
	return 0;
}
