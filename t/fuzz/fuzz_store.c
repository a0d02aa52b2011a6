/*
 * Fuzzes the reader of the JSON store. What it accepts is written, read back, and the same. The
 * scanner accepts only what jansson accepts, and reads the same.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/base/strbuf.h"
#include "lib/base/utf8.h"
#include "lib/store/store_checksum.h"
#include "lib/store/store_format.h"
#include "lib/store/store_scan.h"
#include "lib/store/store_write.h"
#include "t/fuzz/fuzz.h"
#include "t/unit/lib/store_ways.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const struct store_source source;

static void write_and_read(const struct store *store)
{
	struct errmsg err = { "" };
	struct store again;
	char path[64];

	(void)snprintf(path, sizeof(path), "/dev/shm/fuzz_store.%ld", (long)getpid());
	if (store_write(path, store, NULL, NULL, &err) < 0)
		return; /* there is no /dev/shm */
	must(store_read(path, &source, &again, &err) == STORE_READ);
	must(stores_differ(store, &again) == NULL);
	store_clear(&again);
	(void)unlink(path);
}

static void parse(char *text, size_t len)
{
	struct errmsg err = { "" };
	struct store store = { 0 };

	if (store_parse("s", text, len, NULL, &source, &store, &err) == STORE_READ)
		write_and_read(&store);
	else
		must(strncmp(err.text, "s: ", 3) == 0 && store.users == NULL);
	store_clear(&store);
}

/* Parse the bytes as if store_write() had written them, with the right checksum. */
static void parse_as_written(const char *bytes, size_t size)
{
	struct store_checksum *checksum = store_checksum_new();
	struct strbuf text = STRBUF_INIT;
	char hex[STORE_CHECKSUM_SIZE];

	strbuf_add_str(&text, STORE_HEAD "\",\n\"profiles\":[\n");
	strbuf_add(&text, bytes, size);
	if (size == 0 || bytes[size - 1] != '\n')
		strbuf_add_char(&text, '\n');
	must(checksum != NULL && store_checksum_add(checksum, text.text, text.len) == 0);
	must(store_checksum_end(checksum, hex) == 0);
	store_checksum_free(&checksum);
	strbuf_addf(&text, STORE_CHECKSUM "%s\"}\n", hex);
	parse(text.text, text.len);
	strbuf_free(&text);
}

/* Compare a cell with the value that jansson reads. */
static bool is_cell(const struct cell *cell, const json_t *value)
{
	const char *at = cell->text;
	const json_t *item;
	char number[32];
	size_t i;

	switch (json_typeof(value)) {
	case JSON_NULL:
		return cell->kind == CELL_NULL;
	case JSON_TRUE:
	case JSON_FALSE:
		return cell->kind == CELL_TEXT && cell->len == 1 &&
			*at == (json_is_true(value) ? 't' : 'f');
	case JSON_STRING:
		return cell->kind == CELL_TEXT && cell->len == json_string_length(value) &&
			memcmp(at, json_string_value(value), cell->len) == 0;
	case JSON_INTEGER:
		(void)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT,
			json_integer_value(value));
		return cell->kind == CELL_TEXT && cell->len == strlen(number) &&
			memcmp(at, number, cell->len) == 0;
	case JSON_ARRAY:
		json_array_foreach (value, i, item) {
			if (!json_is_string(item) || strcmp(at, json_string_value(item)) != 0)
				return false;
			at += strlen(at) + 1;
		}
		return cell->kind == CELL_LIST && at == cell->text + cell->len;
	default:
		return false;
	}
}

/* Compare the cells of a row with the values that jansson reads. */
static void compare_row(const struct cell *cells, const json_t *row)
{
	unsigned seen = 0;
	const char *key;
	json_t *value;
	int i;

	json_object_foreach ((json_t *)row, key, value) {
		for (i = 0; i < USER_COLUMNS && strcasecmp(user_columns[i].name, key) != 0; i++)
			;
		if (i == USER_COLUMNS)
			continue;
		must(is_cell(&cells[i], value) && (seen & 1U << i) == 0);
		seen |= 1U << i;
	}
	for (i = 0; i < USER_COLUMNS; i++)
		must((seen & 1U << i) != 0 || cells[i].kind == CELL_NULL);
}

/* A JSON parser reads the same from each row that the scanner reads. */
static void scan(const char *bytes, size_t size)
{
	struct store_scan *scan = store_scan_new(user_columns, USER_COLUMNS);
	struct json_scan s = { bytes, bytes + size };
	struct cell cells[STORE_COLUMNS_MAX];
	json_t *row;

	must(scan != NULL);
	while (utf8_valid_len(bytes, size) == size && store_scan_row(scan, &s, cells)) {
		row = json_loadb(bytes, (size_t)(s.at - bytes),
			JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
		must(row != NULL);
		compare_row(cells, row);
		json_decref(row);
		bytes = s.at;
		size = (size_t)(s.end - bytes);
	}
	must(s.at == bytes);
	store_scan_free(&scan);
}

/* The first byte selects: a file that is read in two ways, the rows of a file that Postern wrote,
 * rows, or any file. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *text = (const char *)bytes + 1;
	char *copy;

	if (size == 0)
		return 0;
	if (bytes[0] == 'd') {
		must(store_ways_differ(text, size - 1) == NULL);
	} else if (bytes[0] == 'w') {
		parse_as_written(text, size - 1);
	} else if (bytes[0] == 'r') {
		scan(text, size - 1);
	} else {
		must((copy = malloc(size)) != NULL);
		memcpy(copy, text, size - 1);
		copy[size - 1] = '\0';
		parse(copy, size - 1);
		free(copy);
	}
	return 0;
}
