/*
 * Makes a policy from the files alone, for `postern -n`, posternctl and the benchmarks. Holds no
 * state; any thread.
 */
#include "lib/store/policy_files.h"

#include "lib/store/list_files.h"
#include "lib/store/store_read.h"

/* Set the users and profiles of the JSON store in parts; a missing file contains none. */
static int read_store(const struct config *config, struct policy_parts *parts,
	struct problems *problems, struct errmsg *err)
{
	const struct store_source source = {
		.rcpt_re_anchored = config->settings->rcpt_re_anchored,
		.problems = problems,
	};
	struct store store = { 0 };

	if (store_is_missing(config->store.path)) {
		parts->lists_only = !config->database.present;
		return 0;
	}
	switch (store_read_with_prev(config->store.path, &source, &store, err)) {
	case STORE_READ:
		parts->profiles = profiles_ref(store.profiles);
		parts->users = users_ref(store.users);
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
	struct problems *problems, struct errmsg *err)
{
	struct policy_parts parts = { .settings = config->settings };
	struct list_source lists = {
		.directory = config->lists.directory,
		.max_file = config->lists.max_file,
		.problems = problems,
	};
	struct policy *policy = NULL;

	if (orgdomain_open(config->lists.public_suffix_list, &parts.psl, err) < 0)
		return -1;
	lists.psl = parts.psl;
	if (list_files_read(&lists, parts.lists, err) < 0)
		goto out;
	if (read_store(config, &parts, problems, err) < 0)
		goto out;
	policy_check_profiles(&parts, problems);
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
	return 0;
}
