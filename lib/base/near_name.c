/*
 * Compares a mistyped name with a known one, by the number of edits between them. Holds no state;
 * any thread.
 */
#include "lib/base/near_name.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
	unsigned least = a < b ? a : b;

	return least < c ? least : c;
}

/* Return how many letters to add, drop, change or swap with the next one turn a into b; case is
 * ignored. */
static unsigned distance(const char *a, const char *b)
{
	unsigned rows[3][NEAR_NAME_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2],
					     *free_row;
	size_t a_len = strlen(a), b_len = strlen(b), i, j;
	int ca, cb;

	if (a_len > NEAR_NAME_MAX || b_len > NEAR_NAME_MAX)
		return NEAR_NAME_MAX;
	for (j = 0; j <= b_len; j++)
		before[j] = last[j] = (unsigned)j;
	for (i = 1; i <= a_len; i++) {
		row[0] = (unsigned)i;
		for (j = 1; j <= b_len; j++) {
			ca = tolower((unsigned char)a[i - 1]);
			cb = tolower((unsigned char)b[j - 1]);
			row[j] = min3(last[j] + 1, row[j - 1] + 1, last[j - 1] + (ca != cb));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
				cb == tolower((unsigned char)a[i - 2]))
				row[j] = min3(row[j], before[j - 2] + 1, row[j]);
		}
		free_row = before;
		before = last;
		last = row;
		row = free_row;
	}
	return last[b_len];
}

bool near_name_better(const char *typed, const char *name, unsigned *best)
{
	unsigned d = distance(typed, name);

	if (d >= *best || d > 1 + strlen(name) / 4)
		return false;
	*best = d;
	return true;
}
