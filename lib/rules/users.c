/*
 * The users of a policy: builds their shards from rows, and finds logins. A set of users is
 * immutable and reference-counted: one thread builds it, then any thread may read it.
 */
#include "lib/rules/users.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/hash.h"
#include "lib/rules/user_record.h"

/*
 * The high bits of a name's hash select its shard, the low bits its slot in the shard. With a
 * million users, a shard has about 240.
 */
#define SHARDS (1U << USER_SHARD_BITS)

/* The users of whose passwords users_pick() picks one, in whole shards, and the most that it looks
 * at to find one. */
#define PICKED_OF 64
#define PICKED_OF_MOST 1024

struct shard {
	unsigned refs;
	uint32_t count;
	uint32_t mask;	  /* slots - 1; slots are a power of two, at most 3/4 full */
	size_t bytes;	  /* of the whole block */
	uint32_t slots[]; /* offset of a record after the slots, plus 1; 0 is free */
};

struct users {
	unsigned refs;
	size_t count, bytes;
	struct shard *shards[SHARDS]; /* NULL: an empty one */
};

static size_t shard_of(uint32_t hash)
{
	return hash >> (32 - USER_SHARD_BITS);
}

static const char *shard_records(const struct shard *shard)
{
	return (const char *)(shard->slots + shard->mask + 1);
}

static void shard_unref(struct shard *shard)
{
	if (shard != NULL && __atomic_sub_fetch(&shard->refs, 1, __ATOMIC_ACQ_REL) == 0)
		free(shard);
}

/* Return the slot of a folded name, or the free slot where it belongs. */
static uint32_t *shard_find(struct shard *shard, uint32_t hash, const char *folded, size_t len)
{
	const char *record, *records = shard_records(shard);
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

/* Report each user of the shard whose profile does not exist. */
static void shard_check_profiles(const struct shard *shard, const struct profiles *profiles,
	struct problems *problems)
{
	const char *records = shard_records(shard), *found = NULL; /* the last id that exists */
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
			shard_check_profiles(users->shards[i], profiles, problems);
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
	uint32_t hash, slot;

	if (len == 0 || len > USER_NAME_MAX)
		return false;
	hash = user_name_fold(login, len, folded);
	shard = users->shards[shard_of(hash)];
	if (shard == NULL || (slot = *shard_find(shard, hash, folded, len)) == 0)
		return false;
	user_record_read(shard_records(shard) + (slot - 1), user_r);
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
static void shard_compete(const struct shard *shard, struct pick *pick)
{
	struct user user;
	uint64_t score;
	uint32_t i;

	for (i = 0; i <= shard->mask; i++) {
		if (shard->slots[i] == 0)
			continue;
		user_record_read(shard_records(shard) + (shard->slots[i] - 1), &user);
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
	size_t first, seen = 0, i;

	if (len > USER_NAME_MAX)
		len = USER_NAME_MAX;
	first = shard_of(user_name_fold(name, len, folded));
	pick.key[0] = hash_with_key(key, folded, len);
	for (i = 0; i < SHARDS && seen < (pick.is_made ? PICKED_OF : PICKED_OF_MOST); i++) {
		const struct shard *shard = users->shards[(first + i) % SHARDS];

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
			user_record_read(shard_records(shard) + (shard->slots[i] - 1), &user);
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

/* ---- building ------------------------------------------------------------------- */

/*
 * Rows are first sorted into a few groups of shards, and later each group into its shards: writing
 * to thousands of places in turn would cost more than all other work on a row.
 */
#define GROUPS 64U
#define SHARDS_A_GROUP (SHARDS / GROUPS)

struct users_builder {
	struct user_reading reading;
	struct problems *references; /* receives missing profiles; NULL: the other problems do */
	struct strbuf groups[GROUPS];
	struct strbuf shards[SHARDS_A_GROUP]; /* of the current group */
};

struct users_builder *users_builder_new(void)
{
	return calloc(1, sizeof(struct users_builder));
}

void users_builder_test_passwords(struct users_builder *builder, users_password_test *test)
{
	builder->reading.password_test = test;
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
	uint32_t hash = 0;

	/* user_record_write() leaves out a name that cannot be hashed, whatever the shard. */
	if (name->kind == CELL_TEXT && name->len <= USER_NAME_MAX)
		hash = user_name_fold(name->text, name->len, folded);
	buf = &builder->groups[shard_of(hash) / SHARDS_A_GROUP];
	return user_record_write(&builder->reading, buf, row, &hash, problems);
}

/* Return whether id a is later than id b, compared as numbers if both are numbers, else as text. */
static bool is_later(const char *a, const char *b)
{
	size_t alen = strlen(a), blen = strlen(b);

	if (strspn(a, "0123456789") == alen && strspn(b, "0123456789") == blen && alen != blen)
		return alen > blen;
	return strcmp(a, b) >= 0;
}

/* Keep the row with the later id if two rows have one name. */
static void settle_twins(const char *records, uint32_t *slot, uint32_t offset,
	struct problems *problems)
{
	struct user old, new;
	bool later;

	user_record_read(records + (*slot - 1), &old);
	user_record_read(records + offset, &new);
	later = is_later(new.id, old.id);
	if (strcmp(old.id, new.id) == 0)
		problems_add(problems,
			"users id %s (%s): two rows have this id and this username; the first one "
			"is left out",
			old.id, old.name);
	else
		problems_add(problems,
			"users id %s (%s): this row is left out, because the row with id %s has "
			"the same username",
			later ? old.id : new.id, later ? old.name : new.name,
			later ? new.id : old.id);
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

/* Fill the slots from the records. */
static void shard_index(struct shard *shard, size_t len, struct problems *problems)
{
	const char *records = shard_records(shard);
	uint32_t *slot;
	struct user user;
	size_t at;

	for (at = 0; at < len; at += user_record_size(records + at)) {
		user_record_read(records + at, &user);
		slot = shard_find(shard, user_record_head(records + at).hash, user.name,
			strlen(user.name));
		if (*slot != 0) {
			settle_twins(records, slot, (uint32_t)at, problems);
			continue;
		}
		*slot = (uint32_t)at + 1;
		shard->count++;
	}
}

/* Return whether both contain the same records, in any order. */
static bool shard_equal(struct shard *a, const struct shard *b)
{
	const char *arecords = shard_records(a), *brecords = shard_records(b), *mine, *theirs;
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
		slot = *shard_find(a, user_record_head(theirs).hash, user.name, strlen(user.name));
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

/* Sort the records of a group into its shards. -1 when out of memory. */
static int split_group(struct users_builder *builder, struct strbuf *group)
{
	struct strbuf *shard;
	size_t at, size, i;

	for (i = 0; i < SHARDS_A_GROUP; i++)
		strbuf_reset(&builder->shards[i]);
	for (at = 0; at < group->len; at += size) {
		size = user_record_size(group->text + at);
		i = shard_of(user_record_head(group->text + at).hash) % SHARDS_A_GROUP;
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
			shard_check_profiles(users->shards[i], profiles, references);
	}
	users_builder_free(builder);
	return users;
}
