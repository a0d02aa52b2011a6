/*
 * Dumps users for the tests that compare two sets of them. Stateless; ends the program when out of
 * memory.
 */
#include "t/unit/lib/users_dump.h"

#include <stdlib.h>
#include <string.h>

int users_dump_line(void *strbuf, const struct user *user)
{
	const char *from = NULL;

	strbuf_addf(strbuf, "%s|%s|%s|%s|%d|%d", user->id, user->name, user->password,
		user->profile_id, user->has_froms, user->enabled);
	while ((from = user_next_from(user, from)) != NULL)
		strbuf_addf(strbuf, "|%s", from);
	strbuf_add_char(strbuf, '\n');
	return 0;
}

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *users_dump_sort(struct strbuf *text)
{
	struct strbuf sorted = STRBUF_INIT;
	char **lines, *line, *all, *rest;
	size_t count = 0;

	if (text->failed || (all = strbuf_take(text)) == NULL ||
		(lines = calloc(strlen(all) + 1, sizeof(*lines))) == NULL)
		abort();
	for (line = strtok_r(all, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		lines[count++] = line;
	qsort(lines, count, sizeof(*lines), compare_lines);
	strbuf_add_str(&sorted, "");
	for (size_t i = 0; i < count; i++)
		strbuf_addf(&sorted, "%s\n", lines[i]);
	free(lines);
	free(all);
	return strbuf_take(&sorted);
}
