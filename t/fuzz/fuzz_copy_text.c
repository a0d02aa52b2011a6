/*
 * Fuzzes the reader of PostgreSQL's COPY text. The columns of a line and the items of an array lie
 * within the text, in their order.
 */
#include <stdlib.h>
#include <string.h>

#include "milter/pg/copy_text.h"
#include "t/fuzz/fuzz.h"

#define COLUMNS 4

static void must(int holds)
{
	if (!holds)
		abort();
}

/* The items follow each other within the text, each with its NUL. */
static void check_array(char *text, size_t len)
{
	struct cell cell = { CELL_NULL, NULL, 0 };
	size_t at;

	if (copy_text_array(text, len, &cell) < 0) {
		must(cell.kind == CELL_NULL);
		return;
	}
	must(cell.kind == CELL_LIST && cell.text == text && cell.len <= len);
	must(cell.len == 0 || text[cell.len - 1] == '\0');
	for (at = 0; at < cell.len; at += strlen(text + at) + 1)
		must(at + strlen(text + at) < cell.len);
}

/* The columns are within the line, in their order; each may be an array. */
static void check_line(char *line, size_t len)
{
	struct cell cells[COLUMNS];
	const char *end = line;
	int i;

	if (copy_text_line(line, len, cells, COLUMNS) < 0)
		return;
	for (i = 0; i < COLUMNS; i++) {
		must(cells[i].kind == CELL_TEXT || cells[i].kind == CELL_NULL);
		must(cells[i].text >= end);
		end = cells[i].text + cells[i].len;
		must(end <= line + len);
	}
	for (i = 0; i < COLUMNS; i++)
		if (cells[i].kind == CELL_TEXT && memchr(cells[i].text, '\0', cells[i].len) == NULL)
			check_array((char *)cells[i].text, cells[i].len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	char *copy = malloc(size + 1);

	must(copy != NULL);
	memcpy(copy, bytes, size);
	check_line(copy, size);
	memcpy(copy, bytes, size);
	if (memchr(copy, '\0', size) == NULL)
		check_array(copy, size);
	free(copy);
	return 0;
}
