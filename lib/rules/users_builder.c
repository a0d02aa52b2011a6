/*
 * Builds sets of users from rows, or from another set and the rows in which it differs. A builder,
 * and a set until it is returned, belong to one thread. Part of users.c; t/unit/test_users.c and
 * t/unit/test_users_change.c cover it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/base/strmap.h"
#include "lib/rules/user_ids.h"
#include "lib/rules/users_private.h"

/*
 * Rows are first sorted into a few groups of shards, and later each group into its shards: writing
 * to thousands of places in turn would cost more than all other work on a row.
 */
#define GROUPS SHARD_MAP_NODES
#define SHARDS_A_GROUP SHARD_NODE_SIZE

struct users_builder {
	struct user_reading reading;
	struct strbuf groups[GROUPS];
	struct strbuf shards[SHARDS_A_GROUP]; /* of the current group */

	/* Of a set with an index by id. */
	bool indexes_ids;
	struct problems *reported; /* of its rows; NULL before the first one */
	struct strbuf added;	   /* a row_place for each record */
	struct strbuf problems;	   /* struct row_problems */

	/* Of a change. */
	struct users *base;	      /* NULL: there is none */
	struct strmap *removed;	      /* ids of the base's rows that are left out */
	uint64_t touched[GROUPS];     /* a bit for each shard of a group that may have such a row */
	uint64_t touched_ids[GROUPS]; /* the same for the shards of ids */
	struct strbuf gone;	      /* a row_place for each record that was removed */
	struct strbuf merged;	      /* records of the current shard */
};

struct users_builder *users_builder_new(void)
{
	return calloc(1, sizeof(struct users_builder));
}

void users_builder_index_ids(struct users_builder *builder)
{
	builder->indexes_ids = true;
}

struct users_builder *users_builder_change(struct users *base)
{
	struct users_builder *builder = users_builder_new();

	if (builder == NULL || (builder->removed = strmap_new()) == NULL) {
		free(builder);
		return NULL;
	}
	builder->indexes_ids = true;
	builder->base = users_ref(base);
	return builder;
}

void users_builder_test_passwords(struct users_builder *builder, users_password_test *test)
{
	builder->reading.password_test = test;
}

void users_builder_free(struct users_builder **builder)
{
	struct users_builder *b = *builder;
	size_t i;

	*builder = NULL;
	if (b == NULL)
		return;
	for (i = 0; i < GROUPS; i++)
		strbuf_free(&b->groups[i]);
	for (i = 0; i < SHARDS_A_GROUP; i++)
		strbuf_free(&b->shards[i]);
	strbuf_free(&b->added);
	problems_free(&b->reported);
	strbuf_free(&b->problems);
	strbuf_free(&b->gone);
	strbuf_free(&b->merged);
	strmap_free(&b->removed);
	users_unref(&b->base);
	free(b);
}

/* ---- rows ----------------------------------------------------------------------- */

static void set_bit(uint64_t bits[GROUPS], uint32_t place)
{
	bits[place / SHARDS_A_GROUP] |= UINT64_C(1) << (place % SHARDS_A_GROUP);
}

static bool has_bit(const uint64_t bits[GROUPS], uint32_t place)
{
	return bits[place / SHARDS_A_GROUP] >> (place % SHARDS_A_GROUP) & 1;
}

static int remove_id(struct users_builder *b, const char *id, size_t len)
{
	const uint32_t hash = user_id_hash(id, len);
	const uint32_t place = row_place_shard(row_place_make(hash, 0));

	if (strmap_add(b->removed, id, len, 0) < 0)
		return -1;
	set_bit(b->touched_ids, place);
	id_shard_mark((const struct id_shard *)shard_map_at(&b->base->by_id, place), hash,
		b->touched);
	return 0;
}

int users_builder_remove(struct users_builder *builder, const char *id)
{
	return remove_id(builder, id, strlen(id));
}

/* Index the record that was just written. */
static void index_record(struct users_builder *b, const char *record)
{
	const struct user_head head = user_record_head(record);
	const row_place row = row_place_make(user_id_hash(record + sizeof(head), head.id_len),
		users_place(head.hash));

	strbuf_add(&b->added, (const char *)&row, sizeof(row));
	set_bit(b->touched_ids, row_place_shard(row));
}

/* A row's problems are those that were added after these counts. */
struct before {
	size_t counts[PROBLEM_LEVELS], kept[PROBLEM_LEVELS];
};

static struct before count_problems(const struct problems *problems)
{
	struct before before = { { 0 }, { 0 } };

	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		before.counts[level] = problems_level_count(problems, (enum problem_level)level);
		before.kept[level] = problems_level_kept(problems, (enum problem_level)level);
	}
	return before;
}

/* Return what receives the problems of rows that will be kept: as many texts as the set may still
 * have. NULL when out of memory. */
static struct problems *kept_problems(struct users_builder *b)
{
	size_t texts[PROBLEM_LEVELS];

	if (b->reported != NULL || (b->reported = problems_new()) == NULL)
		return b->reported;
	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		const size_t used = b->base != NULL ? b->base->problems.texts[level] : 0;

		texts[level] = used < USERS_TEXTS ? USERS_TEXTS - used : 0;
	}
	problems_allow(b->reported, texts);
	return b->reported;
}

/* Keep the problems of the row that was just read, if it has any. */
static void keep_problems(struct users_builder *b, const struct cell *id,
	const struct before *before)
{
	const bool has_id = id->kind == CELL_TEXT && memchr(id->text, '\0', id->len) == NULL;
	const char *text = has_id ? id->text : "";
	const size_t len = has_id ? id->len : 0;
	const struct before now = count_problems(b->reported);

	if (memcmp(now.counts, before->counts, sizeof(now.counts)) == 0)
		return;
	row_problems_add(&b->problems, text, len, b->reported, before->counts, before->kept);
	set_bit(b->touched_ids, row_place_shard(row_place_make(user_id_hash(text, len), 0)));
}

int users_builder_add(struct users_builder *builder, const struct cell row[USER_COLUMNS],
	struct problems *problems)
{
	struct users_builder *b = builder;
	const struct cell *name = &row[USER_NAME], *id = &row[USER_ID];
	struct before before = { { 0 }, { 0 } };
	char folded[USER_NAME_MAX];
	struct strbuf *buf;
	uint32_t hash = 0;
	size_t start;
	int ret;

	if (b->indexes_ids) {
		if ((problems = kept_problems(b)) == NULL)
			return -1;
		before = count_problems(problems);
	}
	/* user_record_write() leaves out a name that cannot be hashed, whatever the shard. */
	if (name->kind == CELL_TEXT && name->len <= USER_NAME_MAX)
		hash = user_name_fold(name->text, name->len, folded);
	if (b->base != NULL && id->kind == CELL_TEXT && remove_id(b, id->text, id->len) < 0)
		return -1;
	buf = &b->groups[users_place(hash) / SHARDS_A_GROUP];
	start = buf->len;
	ret = user_record_write(&b->reading, buf, row, &hash, problems);
	if (!b->indexes_ids || ret < 0)
		return ret;
	if (ret > 0)
		index_record(b, buf->text + start);
	keep_problems(b, id, &before);
	return b->added.failed || b->problems.failed ? -1 : ret;
}

/* ---- shards of users ------------------------------------------------------------ */

/* Add what a shard has to the sums of the set, or subtract it. */
static void add_sums(struct users *users, const struct user_shard *shard, bool is_gone)
{
	const size_t sign = is_gone ? (size_t)-1 : 1; /* unsigned, so that it wraps */

	if (shard == NULL)
		return;
	users->count += sign * shard->count;
	users->bytes += sign * shard->bytes;
	users->twins += sign * shard->twins;
	users->idn_units += sign * shard->idn_units;
}

/* Copy the records of the base that stay, and note those that go. */
static void copy_records(struct users_builder *b, const struct user_shard *old, uint32_t place)
{
	const char *records = user_shard_records(old);
	const size_t len = user_shard_len(old);
	struct user_head head;
	size_t at, size;
	row_place row;

	for (at = 0; at < len; at += size) {
		head = user_record_head(records + at);
		size = user_record_size(records + at);
		if (!strmap_find(b->removed, records + at + sizeof(head), head.id_len, NULL)) {
			strbuf_add(&b->merged, records + at, size);
			continue;
		}
		row = row_place_make(user_id_hash(records + at + sizeof(head), head.id_len), place);
		strbuf_add(&b->gone, (const char *)&row, sizeof(row));
	}
}

/*
 * Make the shard of these new records and those of the base that stay. previous is the shard to
 * share if it is equal; it may be NULL.
 */
static int make_shard(struct users_builder *b, struct users *users, uint32_t place,
	const struct strbuf *added, const struct user_shard *previous)
{
	const struct user_shard *old = users_shard(users, place);
	const struct strbuf *records = added;
	struct user_shard *shard = NULL;

	if (old != NULL) {
		strbuf_reset(&b->merged);
		copy_records(b, old, place);
		if (added->len > 0)
			strbuf_add(&b->merged, added->text, added->len);
		if (b->merged.failed || b->gone.failed)
			return -1;
		records = &b->merged;
	}
	if (records->len > 0 && (shard = user_shard_new(records->text, records->len)) == NULL)
		return -1;
	if (shard != NULL && previous != NULL && user_shard_equal(shard, previous)) {
		shard_unref(&shard->head);
		shard = (struct user_shard *)previous;
		shard_ref(&shard->head);
	}
	if (shard == old) {
		shard_unref(old != NULL ? &shard->head : NULL);
		return 0;
	}
	add_sums(users, old, true);
	add_sums(users, shard, false);
	return shard_map_set(&users->by_name, place, shard != NULL ? &shard->head : NULL);
}

/* Sort the records of a group into its shards. -1 when out of memory. */
static int split_group(struct users_builder *b, struct strbuf *group)
{
	struct strbuf *shard;
	size_t at, size, i;

	for (i = 0; i < SHARDS_A_GROUP; i++)
		strbuf_reset(&b->shards[i]);
	for (at = 0; at < group->len; at += size) {
		size = user_record_size(group->text + at);
		i = users_place(user_record_head(group->text + at).hash) % SHARDS_A_GROUP;
		shard = &b->shards[i];
		strbuf_add(shard, group->text + at, size);
		if (shard->failed)
			return -1;
	}
	strbuf_free(group);
	return 0;
}

/* What is reported of a set while it is made, of each shard when its memory has just been used. */
struct report {
	const struct profiles *profiles; /* NULL: missing ones are not reported */
	struct problems *problems;
};

/* Report the rows whose name another one has, and the missing profiles. shard may be NULL. */
static void report_shard(const struct user_shard *shard, const struct report *report)
{
	if (shard == NULL)
		return;
	user_shard_report_twins(shard, report->problems);
	if (report->profiles != NULL)
		(void)users_check_shard(shard, report->profiles, report->problems);
}

/* report may be NULL. */
static int make_shards(struct users_builder *b, struct users *users, const struct users *previous,
	const struct report *report)
{
	uint32_t group, i, place;

	for (group = 0; group < GROUPS; group++) {
		if (b->groups[group].len == 0 && b->touched[group] == 0)
			continue;
		if (split_group(b, &b->groups[group]) < 0)
			return -1;
		for (i = 0; i < SHARDS_A_GROUP; i++) {
			place = group * SHARDS_A_GROUP + i;
			if (b->shards[i].len == 0 && !has_bit(b->touched, place))
				continue;
			if (make_shard(b, users, place, &b->shards[i],
				    previous != NULL ? users_shard(previous, place) : NULL) < 0)
				return -1;
			if (report != NULL)
				report_shard(users_shard(users, place), report);
		}
	}
	return 0;
}

/* ---- shards of ids -------------------------------------------------------------- */

/* Items in the order of their shards of ids. */
struct sorted {
	char *items;
	size_t begin[SHARD_MAP_SIZE + 1]; /* offset of each shard's items */
};

/* Return the shard of the item, and set its size. */
typedef uint32_t read_item(const char *item, size_t *size_r);

static uint32_t read_place(const char *item, size_t *size_r)
{
	row_place row;

	memcpy(&row, item, sizeof(row));
	*size_r = sizeof(row);
	return row_place_shard(row);
}

static uint32_t read_problems(const char *item, size_t *size_r)
{
	const struct row_problems head = row_problems_head(item);

	*size_r = head.size;
	return row_place_shard(row_place_make(head.id_hash, 0));
}

/* Sort items by their shards; those of one shard keep their order. -1 when out of memory. */
static int sort_items(struct sorted *sorted, const struct strbuf *items, read_item *read)
{
	size_t at, size, *begin = sorted->begin;
	uint32_t shard;

	if ((sorted->items = malloc(items->len + 1)) == NULL)
		return -1;
	for (at = 0; at < items->len; at += size) {
		shard = read(items->text + at, &size);
		begin[shard + 1] += size;
	}
	for (shard = 0; shard < SHARD_MAP_SIZE; shard++)
		begin[shard + 1] += begin[shard];
	for (at = 0; at < items->len; at += size) {
		shard = read(items->text + at, &size);
		memcpy(sorted->items + begin[shard], items->text + at, size);
		begin[shard] += size; /* until the loop ends, the end of those copied */
	}
	for (shard = SHARD_MAP_SIZE; shard > 0; shard--)
		begin[shard] = begin[shard - 1];
	begin[0] = 0;
	return 0;
}

struct id_changes {
	struct sorted added, gone, problems;
};

static bool is_removed(const void *context, const char *id)
{
	const struct users_builder *b = context;

	return strmap_find(b->removed, id, strlen(id), NULL);
}

static int make_id_shard(struct users_builder *b, struct users *users,
	const struct id_changes *changes, uint32_t place)
{
	const struct id_shard *old = (const struct id_shard *)shard_map_at(&users->by_id, place);
	const size_t *added = &changes->added.begin[place], *gone = &changes->gone.begin[place],
		     *problems = &changes->problems.begin[place];
	const struct id_change change = {
		.gone = (const row_place *)(const void *)(changes->gone.items + gone[0]),
		.gone_count = (gone[1] - gone[0]) / sizeof(row_place),
		.added = (const row_place *)(const void *)(changes->added.items + added[0]),
		.added_count = (added[1] - added[0]) / sizeof(row_place),
		.problems = changes->problems.items + problems[0],
		.problems_len = problems[1] - problems[0],
		.is_gone = b->base != NULL ? is_removed : NULL,
		.context = b,
	};
	struct id_shard *shard;

	if (id_shard_change(old, &change, &shard) < 0)
		return -1;
	users->bytes += (shard != NULL ? shard->bytes : 0) - (old != NULL ? old->bytes : 0);
	users->problems_len += (shard != NULL ? shard->problems_len : 0) -
		(size_t)(old != NULL ? old->problems_len : 0);
	id_shard_sum(old, &users->problems, true);
	id_shard_sum(shard, &users->problems, false);
	return shard_map_set(&users->by_id, place, shard != NULL ? &shard->head : NULL);
}

static int make_id_shards(struct users_builder *b, struct users *users)
{
	struct id_changes *changes = calloc(1, sizeof(*changes));
	int ret = -1;

	if (changes != NULL && sort_items(&changes->added, &b->added, read_place) == 0 &&
		sort_items(&changes->gone, &b->gone, read_place) == 0 &&
		sort_items(&changes->problems, &b->problems, read_problems) == 0)
		ret = 0;
	for (uint32_t place = 0; ret == 0 && place < SHARD_MAP_SIZE; place++)
		if (has_bit(b->touched_ids, place))
			ret = make_id_shard(b, users, changes, place);
	if (changes != NULL) {
		free(changes->added.items);
		free(changes->gone.items);
		free(changes->problems.items);
	}
	free(changes);
	return ret;
}

/* ---- the set -------------------------------------------------------------------- */

/* Make the set that the changes will be made to. NULL when out of memory. */
static struct users *begin_set(const struct users_builder *b)
{
	struct users *users = calloc(1, sizeof(*users));
	bool failed = false;

	if (users == NULL)
		return NULL;
	if (b->base != NULL) {
		*users = *b->base;
		shard_map_share(&users->by_name, &b->base->by_name);
		shard_map_share(&users->by_id, &b->base->by_id);
	} else {
		users->bytes = sizeof(*users) + sizeof(struct shard_node) * SHARD_MAP_NODES;
		users->has_ids = b->indexes_ids;
		failed = shard_map_init(&users->by_name) < 0;
		if (b->indexes_ids)
			failed = shard_map_init(&users->by_id) < 0 || failed;
	}
	users->refs = 1;
	if (failed)
		users_unref(&users);
	return users;
}

struct users *users_builder_finish(struct users_builder **builder, const struct users *previous,
	const struct profiles *profiles, struct problems *problems)
{
	struct users_builder *b = *builder;
	struct users *users = begin_set(b);
	const struct report report = { profiles, problems };

	if (users != NULL &&
		(make_shards(b, users, b->base != NULL ? b->base : previous,
			 b->indexes_ids ? NULL : &report) < 0 ||
			(b->indexes_ids && make_id_shards(b, users) < 0)))
		users_unref(&users);
	users_builder_free(builder);
	return users;
}
