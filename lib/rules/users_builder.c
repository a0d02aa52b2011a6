/*
 * Builds sets of users from rows, or from another set and the rows in which it differs. A builder,
 * and a set until it is returned, belong to one thread. Part of users.c, with users_by_name.c and
 * users_by_id.c; t/unit/test_users.c and t/unit/test_users_change.c cover it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/rules/users_builder_private.h"

struct users_builder *users_builder_new(void)
{
	struct users_builder *builder = calloc(1, sizeof(*builder));

	if (builder != NULL && (builder->first = calloc(1, sizeof(*builder->first))) == NULL) {
		free(builder);
		return NULL;
	}
	if (builder != NULL)
		builder->last = builder->first;
	return builder;
}

void users_builder_index_ids(struct users_builder *builder)
{
	builder->indexes_ids = true;
}

struct users_builder *users_builder_change(struct users *base)
{
	struct users_builder *builder = users_builder_new();

	if (builder == NULL || (builder->removed = strmap_new()) == NULL) {
		users_builder_free(&builder);
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

static void free_groups(struct groups *groups)
{
	struct groups *next;

	for (; groups != NULL; groups = next) {
		next = groups->next;
		for (size_t i = 0; i < GROUPS; i++)
			strbuf_free(&groups->of[i]);
		free(groups);
	}
}

void users_builder_free(struct users_builder **builder)
{
	struct users_builder *b = *builder;

	*builder = NULL;
	if (b == NULL)
		return;
	free_groups(b->first);
	strbuf_free(&b->added);
	problems_free(&b->reported);
	strbuf_free(&b->problems);
	strbuf_free(&b->gone);
	strmap_free(&b->removed);
	users_unref(&b->base);
	free(b);
}

/* ---- parts ---------------------------------------------------------------------- */

struct users_builder *users_builder_part(const struct users_builder *whole)
{
	struct users_builder *part = users_builder_new();

	if (part != NULL)
		part->reading.password_test = whole->reading.password_test;
	return part;
}

void users_builder_append(struct users_builder *whole, struct users_builder *part)
{
	whole->last->next = part->first;
	whole->last = part->last;
	whole->reading.idn_bytes += part->reading.idn_bytes;
	part->first = part->last = NULL;
}

size_t users_builder_idn_bytes(const struct users_builder *builder)
{
	return builder->reading.idn_bytes;
}

/* ---- rows ----------------------------------------------------------------------- */

static int remove_id(struct users_builder *b, const char *id, size_t len)
{
	const uint32_t hash = user_id_hash(id, len);
	const uint32_t place = row_place_shard(row_place_make(hash, 0));

	if (strmap_add(b->removed, id, len, 0) < 0)
		return -1;
	users_set_bit(b->touched_ids, place);
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
	users_set_bit(b->touched_ids, row_place_shard(row));
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
	users_set_bit(b->touched_ids, row_place_shard(row_place_make(user_id_hash(text, len), 0)));
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
	buf = &b->last->of[users_place(hash) / SHARDS_A_GROUP];
	start = buf->len;
	ret = user_record_write(&b->reading, buf, row, &hash, problems);
	if (!b->indexes_ids || ret < 0)
		return ret;
	if (ret > 0)
		index_record(b, buf->text + start);
	keep_problems(b, id, &before);
	return b->added.failed || b->problems.failed ? -1 : ret;
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

	if (users != NULL &&
		(users_make_shards(b, users, b->base != NULL ? b->base : previous, profiles,
			 problems) < 0 ||
			(b->indexes_ids && users_make_index(b, users) < 0)))
		users_unref(&users);
	users_builder_free(builder);
	return users;
}
