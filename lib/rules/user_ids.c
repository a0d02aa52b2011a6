/*
 * One shard of the index of users by id, with the problems of their rows. A shard is immutable once
 * it is made; the thread that builds the set makes it. t/unit/test_users_change.c covers it.
 */
#include "lib/rules/user_ids.h"

#include <stdlib.h>
#include <string.h>

#include "lib/base/hash.h"

#define PLACE_MASK (SHARD_MAP_SIZE - 1)

uint32_t user_id_hash(const char *id, size_t len)
{
	return (uint32_t)hash_bytes(id, len);
}

/* A row as a shard keeps it: the bits of the hash that do not select the shard, and the place. */
static uint32_t pack_row(row_place row)
{
	return (uint32_t)(row >> 32) << SHARD_MAP_BITS | ((uint32_t)row & PLACE_MASK);
}

/* ---- the problems of rows ------------------------------------------------------- */

void row_problems_add(struct strbuf *to, const char *id, size_t id_len,
	const struct problems *problems, const size_t counts[PROBLEM_LEVELS],
	const size_t kept[PROBLEM_LEVELS])
{
	struct row_problems head = { .id_hash = user_id_hash(id, id_len) };
	const size_t start = to->len;

	strbuf_add(to, (const char *)&head, sizeof(head)); /* reserves its place */
	strbuf_add(to, id, id_len);
	strbuf_add_char(to, '\0');
	for (int level = 0; level < PROBLEM_LEVELS; level++) {
		const enum problem_level l = (enum problem_level)level;

		head.counts[level] = (uint32_t)(problems_level_count(problems, l) - counts[level]);
		head.texts[level] = (uint32_t)(problems_level_kept(problems, l) - kept[level]);
		for (size_t i = kept[level]; i < problems_level_kept(problems, l); i++) {
			strbuf_add_char(to, (char)level);
			strbuf_add_str(to, problems_level_text(problems, l, i));
			strbuf_add_char(to, '\0');
		}
	}
	head.size = (uint32_t)(to->len - start);
	if (!to->failed)
		memcpy(to->text + start, &head, sizeof(head));
}

void row_problems_report(const char *at, struct problems *problems)
{
	struct row_problems head = row_problems_head(at);
	const char *id = row_problems_id(at), *text;

	for (text = id + strlen(id) + 1; text < at + head.size; text += strlen(text) + 1) {
		const unsigned char level = (unsigned char)*text++;

		head.counts[level]--;
		if (level == PROBLEM_NOTE)
			problems_note(problems, "%s", text);
		else
			problems_add(problems, "%s", text);
	}
	for (int level = 0; level < PROBLEM_LEVELS; level++)
		problems_count_more(problems, (enum problem_level)level, head.counts[level]);
}

const char *id_shard_problems(const struct id_shard *shard, size_t *len_r)
{
	*len_r = shard != NULL ? shard->problems_len : 0;
	return shard != NULL ? (const char *)(shard->rows + shard->count) : NULL;
}

void id_shard_sum(const struct id_shard *shard, struct row_problem_sums *sums, bool is_gone)
{
	const size_t sign = is_gone ? (size_t)-1 : 1; /* unsigned, so that it wraps */
	struct row_problems head;
	size_t len;
	const char *at = id_shard_problems(shard, &len);

	for (size_t offset = 0; offset < len; offset += head.size) {
		head = row_problems_head(at + offset);
		for (int level = 0; level < PROBLEM_LEVELS; level++) {
			sums->counts[level] += sign * head.counts[level];
			sums->texts[level] += sign * head.texts[level];
		}
	}
}

/* ---- the shard ------------------------------------------------------------------ */

void id_shard_mark(const struct id_shard *shard, uint32_t id_hash,
	uint64_t places[SHARD_MAP_SIZE / 64])
{
	const uint32_t wanted = pack_row(row_place_make(id_hash, 0));
	uint32_t i, place;

	for (i = 0; shard != NULL && i < shard->count; i++) {
		if ((shard->rows[i] & ~PLACE_MASK) != wanted)
			continue;
		place = shard->rows[i] & PLACE_MASK;
		places[place / 64] |= UINT64_C(1) << (place % 64);
	}
}

/* Remove one of the rows that are equal to this one. Returns how many remain. */
static uint32_t remove_row(uint32_t *rows, uint32_t count, uint32_t row)
{
	uint32_t i;

	for (i = 0; i < count; i++) {
		if (rows[i] != row)
			continue;
		rows[i] = rows[count - 1];
		return count - 1;
	}
	return count;
}

/* Append the problems of the old rows that stay. Returns the end. */
static char *keep_problems(char *to, const struct id_shard *old, const struct id_change *change)
{
	size_t len, at;
	const char *problems = id_shard_problems(old, &len);
	uint32_t size;

	for (at = 0; at < len; at += size) {
		size = row_problems_head(problems + at).size;
		if (change->is_gone != NULL &&
			change->is_gone(change->context, row_problems_id(problems + at)))
			continue;
		memcpy(to, problems + at, size);
		to += size;
	}
	return to;
}

int id_shard_change(const struct id_shard *old, const struct id_change *change,
	struct id_shard **shard_r)
{
	const uint32_t old_count = old != NULL ? old->count : 0;
	const size_t most = old_count + change->added_count;
	size_t old_len, bytes, i;
	struct id_shard *shard, *fitted;
	char *begin, *end;

	(void)id_shard_problems(old, &old_len);
	bytes = sizeof(*shard) + most * sizeof(uint32_t) + old_len + change->problems_len;
	if (bytes >= UINT32_MAX || (shard = malloc(bytes)) == NULL)
		return -1;
	*shard = (struct id_shard){ .head.refs = 1, .count = old_count };
	if (old_count > 0)
		memcpy(shard->rows, old->rows, old_count * sizeof(uint32_t));
	for (i = 0; i < change->gone_count; i++)
		shard->count = remove_row(shard->rows, shard->count, pack_row(change->gone[i]));
	for (i = 0; i < change->added_count; i++)
		shard->rows[shard->count++] = pack_row(change->added[i]);
	begin = (char *)(shard->rows + shard->count);
	end = keep_problems(begin, old, change);
	if (change->problems_len > 0)
		memcpy(end, change->problems, change->problems_len);
	end += change->problems_len;
	shard->problems_len = (uint32_t)(end - begin);
	shard->bytes = (size_t)(end - (char *)shard);
	if (shard->count == 0 && shard->problems_len == 0) {
		free(shard);
		*shard_r = NULL;
		return 0;
	}
	fitted = realloc(shard, shard->bytes);
	*shard_r = fitted != NULL ? fitted : shard;
	return 0;
}
