#include "lib/rules/users.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/rules/user_record.h"
#include "lib/rules/users_private.h"

static void shard_unref(struct shard *shard)
{
	if (shard != NULL && __atomic_sub_fetch(&shard->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(shard);
}

uint32_t *users_shard_find(struct shard *shard, uint32_t hash, const char *folded, size_t len)
{
	const char *record, *records = users_shard_records(shard);
	struct user_head head;
	uint32_t i;

	for (i = hash & shard->mask; shard->slots[i] != 0; i = (i + 1) & shard->mask) {
		record = records + (shard->slots[i] - 1);
		head = user_record_head(record);
		if (head.hash == hash && head.name_len == len &&
			strncasecmp(record + sizeof(head) + head.id_len + 1, folded, len) == 0)
			break;
	}
	return &shard->slots[i];
}

/* Whether the user's profile is there. */
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

void users_shard_check_profiles(const struct shard *shard, const struct profiles *profiles,
	struct problems *problems)
{
	const char *records = users_shard_records(shard),
		   *found = NULL; /* the last one that is there */
	struct user user;
	uint32_t i;

	for (i = 0; i <= shard->mask; i++) {
		if (shard->slots[i] == 0)
			continue;
		user_record_read(records + (shard->slots[i] - 1), &user);
		if (found != NULL && strcmp(user.profile_id, found) == 0)
			continue;
		found = check_profile(&user, profiles, problems) ? user.profile_id : NULL;
	}
}

void users_check_profiles(const struct users *users, const struct profiles *profiles,
	struct problems *problems)
{
	size_t i;

	for (i = 0; i < SHARDS; i++)
		if (users->shards[i] != NULL)
			users_shard_check_profiles(users->shards[i], profiles, problems);
}

bool users_same(const struct users *a, const struct users *b)
{
	return memcmp(a->shards, b->shards, sizeof(a->shards)) == 0;
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
	size_t i;

	*users = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	for (i = 0; i < SHARDS; i++)
		shard_unref(gone->shards[i]);
	free(gone);
}

bool users_find(const struct users *users, const char *login, size_t len, struct user *user_r)
{
	char folded[USER_NAME_MAX];
	struct shard *shard;
	uint64_t hash;
	uint32_t slot;

	if (len == 0 || len > USER_NAME_MAX)
		return false;
	hash = user_name_fold(login, len, folded);
	shard = users->shards[users_shard_of((uint32_t)hash)];
	if (shard == NULL || (slot = *users_shard_find(shard, (uint32_t)hash, folded, len)) == 0)
		return false;
	user_record_read(users_shard_records(shard) + (slot - 1), user_r);
	return true;
}

size_t users_count(const struct users *users)
{
	return users->count;
}

size_t users_bytes(const struct users *users)
{
	return users->bytes;
}

int users_each(const struct users *users, int (*each)(void *context, const struct user *user),
	void *context)
{
	const struct shard *shard;
	struct user user;
	size_t s;
	uint32_t i;
	int ret = 0;

	for (s = 0; s < SHARDS && ret == 0; s++) {
		shard = users->shards[s];
		for (i = 0; shard != NULL && i <= shard->mask && ret == 0; i++) {
			if (shard->slots[i] == 0)
				continue;
			user_record_read(users_shard_records(shard) + (shard->slots[i] - 1), &user);
			ret = each(context, &user);
		}
	}
	return ret;
}

const char *user_next_from(const struct user *user, const char *at)
{
	const char *next = at == NULL ? user->froms : at + strlen(at) + 1;

	return next < user->froms + user->froms_len ? next : NULL;
}
