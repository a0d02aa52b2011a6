#include <stdlib.h>
#include <string.h>

#include "lib/rules/user_record.h"
#include "lib/rules/users_private.h"

/*
 * Rows are put by first a few groups of shards, later each group by its shards: to write to
 * thousands of places by turns would cost more than all else that is done with a row.
 */
#define GROUPS 64U
#define SHARDS_A_GROUP (SHARDS / GROUPS)

struct users_builder {
	users_password_test *password_test;
	struct problems *references; /* where missing profiles are named; NULL: with the others */
	struct strbuf groups[GROUPS];
	struct strbuf shards[SHARDS_A_GROUP]; /* of the group that is being finished */
};

struct users_builder *users_builder_new(void)
{
	return calloc(1, sizeof(struct users_builder));
}

void users_builder_test_passwords(struct users_builder *builder, users_password_test *test)
{
	builder->password_test = test;
}

void users_builder_part_references(struct users_builder *builder, struct problems *references)
{
	builder->references = references;
}

void users_builder_free(struct users_builder **builder)
{
	size_t i;

	if (*builder == NULL)
		return;
	for (i = 0; i < GROUPS; i++)
		strbuf_free(&(*builder)->groups[i]);
	for (i = 0; i < SHARDS_A_GROUP; i++)
		strbuf_free(&(*builder)->shards[i]);
	free(*builder);
	*builder = NULL;
}

int users_builder_add(struct users_builder *builder, const struct cell row[USER_COLUMNS],
	struct problems *problems)
{
	const struct cell *name = &row[USER_NAME];
	char folded[USER_NAME_MAX];
	struct strbuf *buf;
	uint64_t hash = 0;

	/* A name that can't be hashed is left out by the record's writer, whatever the shard. */
	if (name->kind == CELL_TEXT && name->len <= USER_NAME_MAX)
		hash = user_name_fold(name->text, name->len, folded);
	buf = &builder->groups[users_shard_of((uint32_t)hash) / SHARDS_A_GROUP];
	return user_record_write(buf, row, &hash, builder->password_test, problems);
}

/* Whether id a is later than id b: as numbers where both are, else as text. */
static bool is_later(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b);

	if (strspn(a, "0123456789") == alen && strspn(b, "0123456789") == blen && alen != blen)
		return alen > blen;
	return strcmp(a, b) >= 0;
}

/* Of two rows with one name the later id stays. */
static void settle_twins(const char *records, uint32_t *slot, uint32_t offset,
	struct problems *problems)
{
	struct user old, new;
	bool later;

	user_record_read(records + (*slot - 1), &old);
	user_record_read(records + offset, &new);
	later = is_later(new.id, old.id);
	problems_add(problems,
		"users id %s (%s): the row with id %s has the same username; left out",
		later ? old.id : new.id, later ? old.name : new.name, later ? new.id : old.id);
	if (later)
		*slot = offset + 1;
}

static uint32_t count_records(const struct strbuf *records)
{
	uint32_t count = 0;
	size_t at;

	for (at = 0; at < records->len; at += user_record_size(records->text + at))
		count++;
	return count;
}

static struct shard *shard_new(const struct strbuf *records)
{
	uint32_t count = count_records(records), slots = 4;
	struct shard *shard;
	size_t bytes;

	if (records->len >= UINT32_MAX)
		return NULL;
	while (slots * 3 < count * 4)
		slots *= 2;
	bytes = sizeof(*shard) + slots * sizeof(uint32_t) + records->len;
	if ((shard = malloc(bytes)) == NULL)
		return NULL;
	*shard = (struct shard){ .refs = 1, .mask = slots - 1, .bytes = bytes };
	memset(shard->slots, 0, slots * sizeof(uint32_t));
	memcpy(shard->slots + slots, records->text, records->len);
	return shard;
}

/* Enter the records in the slots. */
static void shard_index(struct shard *shard, size_t len, struct problems *problems)
{
	const char *records = users_shard_records(shard);
	uint32_t *slot;
	struct user user;
	size_t at;

	for (at = 0; at < len; at += user_record_size(records + at)) {
		user_record_read(records + at, &user);
		slot = users_shard_find(shard, user_record_head(records + at).hash, user.name,
			strlen(user.name));
		if (*slot != 0) {
			settle_twins(records, slot, (uint32_t)at, problems);
			continue;
		}
		*slot = (uint32_t)at + 1;
		shard->count++;
	}
}

/* Whether both hold the same records, in whatever order. */
static bool shard_equal(struct shard *a, const struct shard *b)
{
	const char *arecords = users_shard_records(a), *brecords = users_shard_records(b), *mine,
		   *theirs;
	struct user user;
	uint32_t i, slot;
	size_t size;

	if (a->count != b->count || a->bytes != b->bytes)
		return false;
	for (i = 0; i <= b->mask; i++) {
		if (b->slots[i] == 0)
			continue;
		theirs = brecords + (b->slots[i] - 1);
		user_record_read(theirs, &user);
		slot = *users_shard_find(a, user_record_head(theirs).hash, user.name,
			strlen(user.name));
		if (slot == 0)
			return false;
		mine = arecords + (slot - 1);
		size = user_record_size(theirs);
		if (user_record_size(mine) != size || memcmp(mine, theirs, size) != 0)
			return false;
	}
	return true;
}

static int finish_shard(struct users *users, size_t i, struct strbuf *records,
	const struct users *previous, struct problems *problems)
{
	struct shard *shard, *old = previous != NULL ? previous->shards[i] : NULL;

	if (records->len == 0)
		return 0;
	if ((shard = shard_new(records)) == NULL)
		return -1;
	shard_index(shard, records->len, problems);
	if (old != NULL && shard_equal(shard, old)) {
		__atomic_add_fetch(&old->refs, 1, __ATOMIC_RELAXED);
		free(shard);
		shard = old;
	}
	users->shards[i] = shard;
	users->count += shard->count;
	users->bytes += shard->bytes;
	return 0;
}

/* Put a group's records by their shards. -1 when out of memory. */
static int split_group(struct users_builder *builder, struct strbuf *group)
{
	struct strbuf *shard;
	size_t at, size, i;

	for (i = 0; i < SHARDS_A_GROUP; i++)
		strbuf_reset(&builder->shards[i]);
	for (at = 0; at < group->len; at += size) {
		size = user_record_size(group->text + at);
		i = users_shard_of(user_record_head(group->text + at).hash) % SHARDS_A_GROUP;
		shard = &builder->shards[i];
		strbuf_add(shard, group->text + at, size);
		if (shard->failed)
			return -1;
	}
	strbuf_free(group);
	return 0;
}

struct users *users_builder_finish(struct users_builder **builder, const struct users *previous,
	const struct profiles *profiles, struct problems *problems)
{
	struct users_builder *b = *builder;
	struct problems *references = b->references != NULL ? b->references : problems;
	struct users *users = calloc(1, sizeof(*users));
	size_t i;

	if (users != NULL) {
		users->refs = 1;
		users->bytes = sizeof(*users);
	}
	for (i = 0; users != NULL && i < SHARDS; i++) {
		if ((i % SHARDS_A_GROUP == 0 &&
			    split_group(b, &b->groups[i / SHARDS_A_GROUP]) < 0) ||
			finish_shard(users, i, &b->shards[i % SHARDS_A_GROUP], previous, problems) <
				0)
			users_unref(&users);
		else if (users->shards[i] != NULL && profiles != NULL)
			users_shard_check_profiles(users->shards[i], profiles, references);
	}
	users_builder_free(builder);
	return users;
}
