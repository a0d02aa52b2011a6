/*
 * Makes the shards of a set of users from the rows that a builder has, in several threads if there
 * are many. Each of them owns the groups of shards that are its part. Part of users_builder.c;
 * t/unit/test_users.c, test_users_change.c and test_store_parts.c cover it.
 */
#include <stdlib.h>

#include "lib/base/parallel.h"
#include "lib/rules/users_builder_private.h"

#define PART_MIN ((size_t)4 << 20) /* bytes of records for which a further thread pays */

/* What a part of the shards adds to the sums of the set. They wrap, because shards may go. */
struct sums {
	size_t count, bytes, twins, bare;
	uint64_t idn_units;
};

/* A part of the groups while their shards are made. */
struct part {
	uint32_t begin, end; /* groups */
	struct sums sums;
	struct problems *problems;	      /* of its shards; NULL: not reported */
	struct strbuf shards[SHARDS_A_GROUP]; /* of the current group */
	struct strbuf merged;		      /* records of the current shard */
	int result;
};

struct making {
	struct users_builder *b;
	struct users *users;
	const struct users *previous;
	const struct profiles *profiles; /* NULL: missing ones are not reported */
	struct part parts[PARALLEL_MAX];
};

/* Add what a shard has to the sums, or subtract it. */
static void add_sums(struct sums *sums, const struct user_shard *shard, bool is_gone)
{
	const size_t sign = is_gone ? (size_t)-1 : 1;

	if (shard == NULL)
		return;
	sums->count += sign * shard->count;
	sums->bytes += sign * shard->bytes;
	sums->twins += sign * shard->twins;
	sums->bare += sign * shard->bare;
	sums->idn_units += sign * shard->idn_units;
}

/* Copy the records of the base that stay, and note those that go. */
static void copy_records(struct users_builder *b, struct strbuf *merged,
	const struct user_shard *old, uint32_t place)
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
			strbuf_add(merged, records + at, size);
			continue;
		}
		row = row_place_make(user_id_hash(records + at + sizeof(head), head.id_len), place);
		strbuf_add(&b->gone, (const char *)&row, sizeof(row));
	}
}

/* Make the shard of these new records and those of the base that stay. */
static int make_shard(const struct making *m, struct part *part, uint32_t place,
	const struct strbuf *added)
{
	const struct user_shard *old = users_shard(m->users, place),
				*previous = m->previous != NULL ? users_shard(m->previous, place) :
								  NULL;
	const struct strbuf *records = added;
	struct user_shard *shard = NULL;

	if (old != NULL) {
		strbuf_reset(&part->merged);
		copy_records(m->b, &part->merged, old, place);
		if (added->len > 0)
			strbuf_add(&part->merged, added->text, added->len);
		if (part->merged.failed || m->b->gone.failed)
			return -1;
		records = &part->merged;
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
	add_sums(&part->sums, old, true);
	add_sums(&part->sums, shard, false);
	return shard_map_set(&m->users->by_name, place, shard != NULL ? &shard->head : NULL);
}

/* Sort records into the shards of their group, and free them. -1 when out of memory. */
static int split_records(struct part *part, struct strbuf *group)
{
	struct strbuf *shard;
	size_t at, size, i;

	for (at = 0; at < group->len; at += size) {
		size = user_record_size(group->text + at);
		i = users_place(user_record_head(group->text + at).hash) % SHARDS_A_GROUP;
		shard = &part->shards[i];
		strbuf_add(shard, group->text + at, size);
		if (shard->failed)
			return -1;
	}
	strbuf_free(group);
	return 0;
}

static bool has_records(const struct users_builder *b, uint32_t group)
{
	for (const struct groups *groups = b->first; groups != NULL; groups = groups->next)
		if (groups->of[group].len > 0)
			return true;
	return false;
}

/* Sort the records of a group into its shards. -1 when out of memory. */
static int split_group(const struct users_builder *b, struct part *part, uint32_t group)
{
	for (size_t i = 0; i < SHARDS_A_GROUP; i++)
		strbuf_reset(&part->shards[i]);
	for (struct groups *groups = b->first; groups != NULL; groups = groups->next)
		if (split_records(part, &groups->of[group]) < 0)
			return -1;
	return 0;
}

/* Report the rows whose name another one has, and the missing profiles, when the shard's memory has
 * just been used. shard may be NULL. */
static void report_shard(const struct making *m, struct part *part, const struct user_shard *shard)
{
	if (part->problems == NULL || shard == NULL)
		return;
	user_shard_report_twins(shard, part->problems);
	if (m->profiles != NULL)
		(void)users_check_shard(shard, m->profiles, part->problems);
}

static int make_group(const struct making *m, struct part *part, uint32_t group)
{
	const struct users_builder *b = m->b;
	uint32_t place = group * SHARDS_A_GROUP;

	if (!has_records(b, group) && b->touched[group] == 0)
		return 0;
	if (split_group(b, part, group) < 0)
		return -1;
	for (uint32_t i = 0; i < SHARDS_A_GROUP; i++, place++) {
		if (part->shards[i].len == 0 && !users_has_bit(b->touched, place))
			continue;
		if (make_shard(m, part, place, &part->shards[i]) < 0)
			return -1;
		report_shard(m, part, users_shard(m->users, place));
	}
	return 0;
}

static void make_part(void *context, unsigned number)
{
	struct making *m = context;
	struct part *part = &m->parts[number];
	uint32_t group;

	for (group = part->begin; group < part->end && part->result == 0; group++)
		part->result = make_group(m, part, group);
	for (size_t i = 0; i < SHARDS_A_GROUP; i++)
		strbuf_free(&part->shards[i]);
	strbuf_free(&part->merged);
}

static size_t records_len(const struct users_builder *b)
{
	size_t len = 0;

	for (const struct groups *groups = b->first; groups != NULL; groups = groups->next)
		for (uint32_t i = 0; i < GROUPS; i++)
			len += groups->of[i].len;
	return len;
}

/* Add what a part has to the set. */
static void join_part(struct users *users, struct part *part, struct problems *problems)
{
	users->count += part->sums.count;
	users->bytes += part->sums.bytes;
	users->twins += part->sums.twins;
	users->bare += part->sums.bare;
	users->idn_units += part->sums.idn_units;
	problems_add_all(problems, NULL, part->problems);
	problems_free(&part->problems);
}

int users_make_shards(struct users_builder *b, struct users *users, const struct users *previous,
	const struct profiles *profiles, struct problems *problems)
{
	/* The records that leave a base are noted in one list, by one thread. */
	const unsigned parts = b->base != NULL ? 1 : parallel_parts(records_len(b), PART_MIN);
	const bool reports = problems != NULL && !b->indexes_ids;
	struct making *m = calloc(1, sizeof(*m));
	int ret = 0;

	if (m == NULL)
		return -1;
	*m = (struct making){ b, users, previous, profiles, { { 0 } } };
	for (unsigned i = 0; i < parts; i++) {
		m->parts[i].begin = GROUPS * i / parts;
		m->parts[i].end = GROUPS * (i + 1) / parts;
		if (reports && (m->parts[i].problems = problems_new_like(problems)) == NULL)
			m->parts[i].result = -1;
	}
	parallel_run(parts, make_part, m);
	for (unsigned i = 0; i < parts; i++) {
		join_part(users, &m->parts[i], problems);
		if (m->parts[i].result < 0)
			ret = -1;
	}
	free(m);
	return ret;
}
