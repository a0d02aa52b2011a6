/*
 * Finds the users whose profile does not exist, and finds them again after a change of some rows of
 * either table. Used by the thread that builds policies, which shares the work on many users with
 * further threads. t/unit/test_users_change.c covers it.
 */
#include "lib/rules/users_references.h"

#include <stdlib.h>

#include "lib/base/parallel.h"
#include "lib/rules/users_private.h"

#define PART_MIN ((size_t)4 << 20) /* bytes below which a further thread does not pay */

struct users_references {
	struct users *users;
	struct profiles *profiles;
	size_t total;
	size_t missing[SHARD_MAP_SIZE]; /* users of a shard without their profile */
};

struct users_references *users_references_new(void)
{
	return calloc(1, sizeof(struct users_references));
}

void users_references_free(struct users_references **references)
{
	struct users_references *r = *references;

	*references = NULL;
	if (r == NULL)
		return;
	users_references_forget(r);
	free(r);
}

void users_references_forget(struct users_references *references)
{
	users_unref(&references->users);
	profiles_unref(&references->profiles);
}

/* Return whether the same ids exist in both. */
static bool same_ids(const struct profiles *a, const struct profiles *b)
{
	bool is_same = a == b || profiles_count(a) == profiles_count(b);

	for (size_t i = 0; a != b && is_same && i < profiles_count(a); i++)
		is_same = profiles_by_id(b, profile_id(profiles_at(a, i))) != NULL;
	return is_same;
}

/* An update. Each of its parts owns the counts of a part of the shards. */
struct update {
	struct users_references *references;
	const struct users *users;
	const struct profiles *profiles;
	bool is_like_before; /* for shards that are the same */
	unsigned parts;
};

static void update_part(void *context, unsigned part)
{
	const struct update *update = context;
	struct users_references *r = update->references;
	const uint32_t share = SHARD_MAP_SIZE / update->parts;
	const uint32_t end = part + 1 == update->parts ? SHARD_MAP_SIZE : share * (part + 1);

	for (uint32_t i = share * part; i < end; i++) {
		const struct user_shard *shard = users_shard(update->users, i);

		if (!update->is_like_before || shard != users_shard(r->users, i))
			r->missing[i] = shard != NULL ?
				users_check_shard(shard, update->profiles, NULL) :
				0;
	}
}

void users_references_update(struct users_references *references, struct users *users,
	struct profiles *profiles)
{
	struct users_references *r = references;
	struct update update = {
		.references = r,
		.users = users,
		.profiles = profiles,
		.is_like_before =
			r->users != NULL && r->profiles != NULL && same_ids(r->profiles, profiles),
	};

	update.parts = update.is_like_before ? 1 : parallel_parts(users_bytes(users), PART_MIN);
	parallel_run(update.parts, update_part, &update);
	r->total = 0;
	for (uint32_t i = 0; i < SHARD_MAP_SIZE; i++)
		r->total += r->missing[i];
	(void)users_ref(users);
	(void)profiles_ref(profiles);
	users_unref(&r->users);
	profiles_unref(&r->profiles);
	r->users = users;
	r->profiles = profiles;
}

void users_references_report(const struct users_references *references, struct problems *problems)
{
	const struct users_references *r = references;

	for (uint32_t i = 0; r->total > 0 && i < SHARD_MAP_SIZE; i++) {
		/* Users whose text would not be kept are counted without looking for them again. */
		if (!problems_keep_next(problems, PROBLEM))
			problems_count_more(problems, PROBLEM, r->missing[i]);
		else if (r->missing[i] > 0)
			(void)users_check_shard(users_shard(r->users, i), r->profiles, problems);
	}
}
