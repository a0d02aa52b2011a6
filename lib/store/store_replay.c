/*
 * Finds the rows of a journal that are in force, and the rows of the store that they replace. The
 * keys belong to the store_rows that are being read. t/unit/test_store_journal.c covers it.
 */
#include "lib/store/store_replay.h"

#include "lib/base/utf8.h"

/* Read the key of a row, which may be in folded. NULL if the row is not one that Postern wrote. */
static const char *read_key(struct store_rows *rows, const struct journal *journal,
	const struct journal_row *row, char folded[STORE_KEY_MAX], size_t *len_r)
{
	const char *text = journal->text + row->at;
	struct json_scan s = { text, text + row->len };
	struct cell cells[STORE_COLUMNS_MAX];

	if (utf8_valid_len(text, row->len) < row->len ||
		!store_scan_row(rows->scans[row->table], &s, cells) || s.at != s.end)
		return NULL;
	return store_row_key(row->table, cells, folded, len_r);
}

int store_replay_begin(struct store_rows *rows, struct journal *journal, const char *path)
{
	char folded[STORE_KEY_MAX];
	const char *key;
	size_t len;
	int table, added;

	if (journal->count == 0)
		return 0;
	for (table = 0; table < STORE_TABLES; table++)
		if ((rows->replaced[table] = strmap_new()) == NULL)
			return -1;
	for (size_t i = journal->count; i-- > 0;) { /* the last row with a key is in force */
		struct journal_row *row = &journal->rows[i];

		if ((key = read_key(rows, journal, row, folded, &len)) == NULL) {
			problems_add(rows->problems, "%s: a row of %s is unreadable; left out",
				path, store_table_name(row->table));
			continue;
		}
		if ((added = strmap_add(rows->replaced[row->table], key, len, 0)) < 0)
			return -1;
		row->is_last = added > 0;
	}
	return 0;
}

const struct journal_row *store_replay_next(const struct journal *journal, enum store_table table,
	const struct journal_row *row)
{
	if (journal->count == 0)
		return NULL;
	for (row = row == NULL ? journal->rows : row + 1; row < journal->rows + journal->count;
		row++)
		if (row->table == table && row->is_last && !row->is_removal)
			return row;
	return NULL;
}

void store_replay_end(struct store_rows *rows)
{
	for (int table = 0; table < STORE_TABLES; table++)
		strmap_free(&rows->replaced[table]);
}
