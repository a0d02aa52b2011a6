/*
 * One shard of users: makes it from records, and settles which of several rows with one name is in
 * force. A shard is immutable once it is made; the thread that builds the set makes it.
 * t/unit/test_users_change.c covers it.
 */
#include "lib/rules/user_shard.h"

#include <stdlib.h>

/* Read a record. Returns its slot, or the free slot where it belongs. */
static uint32_t read_slot(const struct user_shard *shard, const char *record, struct user *user_r)
{
	user_record_read(record, user_r);
	return user_shard_slot(shard, user_record_head(record).hash, user_r->name,
		strlen(user_r->name));
}

static uint32_t slot_of(const struct user_shard *shard, const char *record)
{
	struct user user;

	return read_slot(shard, record, &user);
}

/* Return whether a user has neither froms nor a domain, and may send. */
static bool is_bare(const struct user *user)
{
	return user->enabled && !user->has_froms && strchr(user->name, '@') == NULL;
}

/* Fill the slots from the records. Of rows with one name and one id, the last one stays. */
static void index_records(struct user_shard *shard, size_t len)
{
	const char *records = user_shard_records(shard);
	struct user old, new;
	uint32_t slot;
	size_t at;

	for (at = 0; at < len; at += user_record_size(records + at)) {
		slot = read_slot(shard, records + at, &new);
		shard->idn_units += user_record_head(records + at).idn_units;
		if (shard->slots[slot] == 0) {
			shard->count++;
		} else {
			shard->twins++;
			user_record_read(records + (shard->slots[slot] - 1), &old);
			if (row_ids_compare(new.id, old.id) < 0)
				continue;
			shard->bare -= is_bare(&old);
			shard->colons -= strchr(old.name, ':') != NULL;
		}
		shard->bare += is_bare(&new);
		shard->colons += strchr(new.name, ':') != NULL;
		shard->slots[slot] = (uint32_t)at + 1;
	}
}

struct user_shard *user_shard_new(const char *records, size_t len)
{
	uint32_t count = 0, slots = 4;
	struct user_shard *shard;
	size_t at, bytes;

	if (len >= UINT32_MAX)
		return NULL;
	for (at = 0; at < len; at += user_record_size(records + at))
		count++;
	while (slots * 3 < count * 4)
		slots *= 2;
	bytes = sizeof(*shard) + slots * sizeof(uint32_t) + len;
	if ((shard = malloc(bytes)) == NULL)
		return NULL;
	*shard = (struct user_shard){ .head.refs = 1, .mask = slots - 1, .bytes = bytes };
	memset(shard->slots, 0, slots * sizeof(uint32_t));
	memcpy(shard->slots + slots, records, len);
	index_records(shard, len);
	return shard;
}

static bool same_record(const char *a, const char *b)
{
	const size_t size = user_record_size(a);

	return user_record_size(b) == size && memcmp(a, b, size) == 0;
}

/* Return how many records of a shard are the same as this one. */
static unsigned count_same(const struct user_shard *shard, const char *record)
{
	const char *records = user_shard_records(shard);
	const size_t len = user_shard_len(shard);
	unsigned count = 0;
	size_t at;

	for (at = 0; at < len; at += user_record_size(records + at))
		count += same_record(records + at, record);
	return count;
}

bool user_shard_equal(const struct user_shard *a, const struct user_shard *b)
{
	const char *arecords = user_shard_records(a), *records = user_shard_records(b);
	const size_t len = user_shard_len(b);
	uint32_t slot;
	size_t at;

	if (a->count != b->count || a->twins != b->twins || a->bytes != b->bytes)
		return false;
	for (at = 0; at < len; at += user_record_size(records + at)) {
		slot = slot_of(a, records + at);
		if (a->slots[slot] == 0)
			return false;
		if (b->slots[slot_of(b, records + at)] != at + 1) {
			if (count_same(a, records + at) != count_same(b, records + at))
				return false;
		} else if (!same_record(arecords + (a->slots[slot] - 1), records + at)) {
			return false;
		}
	}
	return true;
}

void user_shard_report_twins(const struct user_shard *shard, struct problems *problems)
{
	const char *records = user_shard_records(shard);
	const size_t len = user_shard_len(shard);
	struct user user, other;
	uint32_t slot;
	size_t at;

	for (at = 0; shard->twins > 0 && at < len; at += user_record_size(records + at)) {
		slot = read_slot(shard, records + at, &user);
		if (shard->slots[slot] == at + 1)
			continue;
		user_record_read(records + (shard->slots[slot] - 1), &other);
		if (strcmp(user.id, other.id) == 0)
			problems_add(problems,
				"users id %s (%s): two rows have this id and this username; the first one "
				"is left out",
				user.id, user.name);
		else
			problems_add(problems,
				"users id %s (%s): this row is left out, because the row with id %s has "
				"the same username",
				user.id, user.name, other.id);
	}
}
