/*
 * Makes the index by id of a set of users, of which single rows can then be changed. Part of
 * users_builder.c; t/unit/test_users_change.c covers it.
 */
#include <stdlib.h>
#include <string.h>

#include "lib/rules/users_builder_private.h"

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

int users_make_index(struct users_builder *b, struct users *users)
{
	struct id_changes *changes = calloc(1, sizeof(*changes));
	int ret = -1;

	if (changes != NULL && sort_items(&changes->added, &b->added, read_place) == 0 &&
		sort_items(&changes->gone, &b->gone, read_place) == 0 &&
		sort_items(&changes->problems, &b->problems, read_problems) == 0)
		ret = 0;
	for (uint32_t place = 0; ret == 0 && place < SHARD_MAP_SIZE; place++)
		if (users_has_bit(b->touched_ids, place))
			ret = make_id_shard(b, users, changes, place);
	if (changes != NULL) {
		free(changes->added.items);
		free(changes->gone.items);
		free(changes->problems.items);
	}
	free(changes);
	return ret;
}
