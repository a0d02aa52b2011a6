/*
 * Finds the users in which two sets differ. Stateless: any thread may call it with references of
 * its own. t/unit/test_users_change.c covers it.
 */
#include "lib/rules/users_compare.h"

#include "lib/rules/users_private.h"

typedef int report_difference(void *context, const struct user *before, const struct user *now);

/* Return the record in force that is in this slot; NULL if the slot is free. */
static const char *record_at(const struct user_shard *shard, uint32_t slot)
{
	return shard->slots[slot] == 0 ? NULL :
					 user_shard_records(shard) + (shard->slots[slot] - 1);
}

/* Return the record in force in a shard, which may be NULL, that has the name of this one. */
static const char *find_record(const struct user_shard *shard, const char *record)
{
	struct user user;

	if (shard == NULL)
		return NULL;
	user_record_read(record, &user);
	return record_at(shard,
		user_shard_slot(shard, user_record_head(record).hash, user.name,
			strlen(user.name)));
}

static bool is_same_record(const char *a, const char *b)
{
	return user_record_size(a) == user_record_size(b) && memcmp(a, b, user_record_size(a)) == 0;
}

/* Report the users of a shard, which may be NULL, that the other one has differently or lacks. */
static int compare_shards(const struct user_shard *old, const struct user_shard *new,
	report_difference *each, void *context)
{
	struct user before, now;
	const char *was, *is;
	int ret = 0;

	for (uint32_t slot = 0; new != NULL &&ret == 0 && slot <= new->mask; slot++) {
		if ((is = record_at(new, slot)) == NULL)
			continue;
		was = find_record(old, is);
		if (was != NULL && is_same_record(was, is))
			continue;
		user_record_read(is, &now);
		if (was != NULL)
			user_record_read(was, &before);
		ret = each(context, was != NULL ? &before : NULL, &now);
	}
	for (uint32_t slot = 0; old != NULL && ret == 0 && slot <= old->mask; slot++) {
		if ((was = record_at(old, slot)) == NULL || find_record(new, was) != NULL)
			continue;
		user_record_read(was, &before);
		ret = each(context, &before, NULL);
	}
	return ret;
}

int users_compare(const struct users *old, const struct users *new, report_difference *each,
	void *context)
{
	const struct user_shard *was, *is;
	int ret = 0;

	for (uint32_t place = 0; place < SHARD_MAP_SIZE && ret == 0; place++) {
		was = users_shard(old, place);
		is = users_shard(new, place);
		if (was != is)
			ret = compare_shards(was, is, each, context);
	}
	return ret;
}
