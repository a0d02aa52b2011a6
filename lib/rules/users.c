/*
 * The users of a policy: finds logins, and picks users. A set is immutable and reference-counted:
 * one thread builds it (users_builder.c), then any thread may read it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"
#include "lib/match/domain.h"
#include "lib/rules/user_ids.h"
#include "lib/rules/users_private.h"

/* The users of whose passwords users_pick() picks one, in whole shards, and the most that it looks
 * at to find one. */
#define PICKED_OF 64
#define PICKED_OF_MOST 1024

/* Return whether the user's profile exists; if not, report it. */
static bool check_profile(const struct user *user, const struct profiles *profiles,
	struct problems *problems)
{
	if (user->profile_id[0] == '\0' || profiles_by_id(profiles, user->profile_id) != NULL)
		return true;
	problems_add(problems, "users id %s (%s): there is no profile with id %s%s", user->id,
		user->name, user->profile_id,
		profiles_is_bad(profiles, user->profile_id) ? " (its row was left out)" : "");
	return false;
}

size_t users_check_shard(const struct user_shard *shard, const struct profiles *profiles,
	struct problems *problems)
{
	const char *records = user_shard_records(shard),
		   *found = NULL; /* the last id that exists */
	struct user user;
	size_t missing = 0;
	uint32_t i;

	for (i = 0; i <= shard->mask; i++) {
		if (shard->slots[i] == 0)
			continue;
		user_record_read(records + (shard->slots[i] - 1), &user);
		if (found != NULL && strcmp(user.profile_id, found) == 0)
			continue;
		found = check_profile(&user, profiles, problems) ? user.profile_id : NULL;
		missing += found == NULL;
	}
	return missing;
}

bool users_same(const struct users *a, const struct users *b)
{
	uint32_t i;

	for (i = 0; i < SHARD_MAP_SIZE; i++) {
		if (i % SHARD_NODE_SIZE == 0 &&
			a->by_name.nodes[i / SHARD_NODE_SIZE] ==
				b->by_name.nodes[i / SHARD_NODE_SIZE])
			i += SHARD_NODE_SIZE - 1;
		else if (users_shard(a, i) != users_shard(b, i))
			return false;
	}
	return true;
}

struct users *users_ref(struct users *users)
{
	if (users != NULL)
		__atomic_add_fetch(&users->refs, 1, __ATOMIC_RELAXED);
	return users;
}

void users_unref(struct users **users)
{
	struct users *gone = *users;

	*users = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	shard_map_clear(&gone->by_name);
	shard_map_clear(&gone->by_id);
	free(gone);
}

bool users_find(const struct users *users, const char *login, size_t len, struct user *user_r)
{
	const struct user_shard *shard;
	char folded[USER_NAME_MAX];
	uint32_t hash, slot;

	if (len == 0 || len > USER_NAME_MAX)
		return false;
	hash = user_name_fold(login, len, folded);
	shard = users_shard(users, users_place(hash));
	if (shard == NULL || (slot = shard->slots[user_shard_slot(shard, hash, folded, len)]) == 0)
		return false;
	user_record_read(user_shard_records(shard) + (slot - 1), user_r);
	return true;
}

/* The user of the lowest score so far. */
struct pick {
	uint64_t key[2]; /* determined by the name for which one is picked */
	users_password_test *test;
	uint64_t score;
	struct user *user_r;
	bool is_made;
};

/* Let the users of a shard compete. A password is tested only if it would win. */
static void shard_compete(const struct user_shard *shard, struct pick *pick)
{
	struct user user;
	uint64_t score;
	uint32_t i;

	for (i = 0; i <= shard->mask; i++) {
		if (shard->slots[i] == 0)
			continue;
		user_record_read(user_shard_records(shard) + (shard->slots[i] - 1), &user);
		score = hash_with_key(pick->key, user.password, strlen(user.password));
		if ((pick->is_made && score >= pick->score) || pick->test(user.password, NULL) < 0)
			continue;
		pick->score = score;
		*pick->user_r = user;
		pick->is_made = true;
	}
}

bool users_pick(const struct users *users, const char *name, size_t len, users_password_test *test,
	struct user *user_r)
{
	static const uint64_t key[2] = { 1 };
	struct pick pick = { .test = test, .user_r = user_r };
	char folded[USER_NAME_MAX];
	size_t seen = 0;
	uint32_t first, i;

	if (len > USER_NAME_MAX)
		len = USER_NAME_MAX;
	first = users_place(user_name_fold(name, len, folded));
	pick.key[0] = hash_with_key(key, folded, len);
	for (i = 0; i < SHARD_MAP_SIZE && seen < (pick.is_made ? PICKED_OF : PICKED_OF_MOST); i++) {
		const struct user_shard *shard = users_shard(users, (first + i) % SHARD_MAP_SIZE);

		if (shard == NULL)
			continue;
		shard_compete(shard, &pick);
		seen += shard->count;
	}
	return pick.is_made;
}

size_t users_count(const struct users *users)
{
	return users->count;
}

size_t users_count_bare(const struct users *users)
{
	return users->bare;
}

/* Whom users_count_behind() looks for, and what it has found. */
struct behind {
	const char *word;
	size_t len, count;
	struct user *first;
};

static void count_behind(struct behind *b, const struct user_shard *shard)
{
	struct user user;

	for (uint32_t i = 0; i <= shard->mask; i++) {
		if (shard->slots[i] == 0)
			continue;
		user_record_read(user_shard_records(shard) + (shard->slots[i] - 1), &user);
		if (strncasecmp(user.name, b->word, b->len) != 0 || user.name[b->len] != ':')
			continue;
		if (b->count++ == 0 || row_ids_compare(user.id, b->first->id) < 0)
			*b->first = user;
	}
}

size_t users_count_behind(const struct users *users, const char *word, struct user *first_r)
{
	struct behind b = { .word = word, .len = strlen(word), .first = first_r };

	for (uint32_t place = 0; place < SHARD_MAP_SIZE; place++) {
		const struct user_shard *shard = users_shard(users, place);

		if (shard != NULL && shard->colons > 0)
			count_behind(&b, shard);
	}
	return b.count;
}

size_t users_bytes(const struct users *users)
{
	return users->bytes;
}

int users_each(const struct users *users, int (*each)(void *context, const struct user *user),
	void *context)
{
	const struct user_shard *shard;
	uint32_t place, i;
	struct user user;
	int ret = 0;

	for (place = 0; place < SHARD_MAP_SIZE && ret == 0; place++) {
		shard = users_shard(users, place);
		for (i = 0; shard != NULL && i <= shard->mask && ret == 0; i++) {
			if (shard->slots[i] == 0)
				continue;
			user_record_read(user_shard_records(shard) + (shard->slots[i] - 1), &user);
			ret = each(context, &user);
		}
	}
	return ret;
}

bool users_can_change(const struct users *users)
{
	bool has_texts = true;

	for (int level = 0; level < PROBLEM_LEVELS; level++)
		has_texts = has_texts &&
			(users->problems.texts[level] == users->problems.counts[level] ||
				users->problems.texts[level] >= PROBLEMS_OF_SOURCE);
	return has_texts && users->has_ids && users->idn_units * USER_IDN_UNIT <= DOMAIN_IDN_MAX;
}

void users_report(const struct users *users, struct problems *problems)
{
	const char *at;
	size_t len, offset;
	uint32_t place;

	for (place = 0; users->problems_len > 0 && place < SHARD_MAP_SIZE; place++) {
		at = id_shard_problems((const struct id_shard *)shard_map_at(&users->by_id, place),
			&len);
		for (offset = 0; offset < len; offset += row_problems_head(at + offset).size)
			row_problems_report(at + offset, problems);
	}
	for (place = 0; users->twins > 0 && place < SHARD_MAP_SIZE; place++)
		if (users_shard(users, place) != NULL)
			user_shard_report_twins(users_shard(users, place), problems);
}

const char *user_next_from(const struct user *user, const char *at)
{
	const char *next = at == NULL ? user->froms : at + strlen(at) + 1;

	return next < user->froms + user->froms_len ? next : NULL;
}
