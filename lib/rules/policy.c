/*
 * The policy: the parts that all checks read, reference-counted together. Any thread may read a
 * policy while it holds a reference.
 */
#include "lib/rules/policy.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct policy {
	unsigned refs;
	uint64_t serial;
	struct policy_parts parts;
};

static uint64_t last_serial;

/* Put an empty object in place of each missing part, so that readers need no checks for NULL. */
static int fill_gaps(struct policy_parts *parts)
{
	struct profiles_builder *profiles;
	struct users_builder *users;
	int i;

	for (i = 0; i < LIST_COUNT; i++) {
		if (parts->lists[i] == NULL &&
			(parts->lists[i] = list_build(i, "", 0, parts->psl, NULL)) == NULL)
			return -1;
	}
	if (parts->profiles == NULL) {
		if ((profiles = profiles_builder_new(false)) == NULL)
			return -1;
		parts->profiles = profiles_builder_finish(&profiles, NULL);
	}
	if (parts->users == NULL) {
		if ((users = users_builder_new()) == NULL)
			return -1;
		parts->users = users_builder_finish(&users, NULL, NULL, NULL);
	}
	return parts->profiles == NULL || parts->users == NULL ? -1 : 0;
}

struct policy *policy_new(const struct policy_parts *parts)
{
	struct policy *policy = calloc(1, sizeof(*policy));
	int i;

	if (policy == NULL)
		return NULL;
	policy->refs = 1;
	policy->serial = __atomic_add_fetch(&last_serial, 1, __ATOMIC_RELAXED);
	policy->parts.settings = settings_ref(parts->settings);
	policy->parts.psl = orgdomain_ref(parts->psl);
	for (i = 0; i < LIST_COUNT; i++)
		policy->parts.lists[i] = list_ref(parts->lists[i]);
	policy->parts.profiles = profiles_ref(parts->profiles);
	policy->parts.users = users_ref(parts->users);
	policy->parts.lists_only = parts->lists_only;
	if (fill_gaps(&policy->parts) < 0)
		policy_unref(&policy);
	return policy;
}

static int by_bytes(const void *a, const void *b)
{
	const struct regexlist *const *x = a, *const *y = b;
	const uint64_t one = regexlist_bytes(*x), other = regexlist_bytes(*y);

	return (one > other) - (one < other);
}

struct regexlist **policy_unprepared(const struct policy *policy, size_t *count_r)
{
	const struct policy_parts *parts = &policy->parts;
	const size_t profiles = profiles_count(parts->profiles);
	struct regexlist **lists, *list;
	size_t count = 0, i;

	if ((lists = calloc(LIST_COUNT + profiles, sizeof(struct regexlist *))) == NULL)
		return NULL;
	for (i = 0; i < LIST_COUNT + profiles; i++) {
		list = i < LIST_COUNT ?
			list_regexes(parts->lists[i]) :
			profile_rcpt_re(profiles_at(parts->profiles, i - LIST_COUNT));
		if (!regexlist_is_prepared(list))
			lists[count++] = list;
	}
	qsort(lists, count, sizeof(struct regexlist *), by_bytes);
	*count_r = count;
	return lists;
}

const struct policy_parts *policy_parts(const struct policy *policy)
{
	return &policy->parts;
}

struct policy *policy_ref(struct policy *policy)
{
	if (policy != NULL)
		__atomic_add_fetch(&policy->refs, 1, __ATOMIC_RELAXED);
	return policy;
}

void policy_unref(struct policy **policy)
{
	struct policy *gone = *policy;
	int i;

	*policy = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	settings_unref(&gone->parts.settings);
	for (i = 0; i < LIST_COUNT; i++)
		list_unref(&gone->parts.lists[i]);
	orgdomain_unref(&gone->parts.psl);
	profiles_unref(&gone->parts.profiles);
	users_unref(&gone->parts.users);
	free(gone);
}

uint64_t policy_serial(const struct policy *policy)
{
	return policy->serial;
}

bool policy_find_user(const struct policy *policy, const char *login, struct user *user_r)
{
	const char *at = strrchr(login, '@'), *domain = policy->parts.settings->default_domain;

	if (users_find(policy->parts.users, login, strlen(login), user_r))
		return true;
	return at != NULL && domain[0] != '\0' && strcasecmp(at + 1, domain) == 0 &&
		users_find(policy->parts.users, login, (size_t)(at - login), user_r);
}
