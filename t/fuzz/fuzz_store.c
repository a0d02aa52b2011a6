/*
 * Fuzzes the reader of the JSON store. What it accepts is written, read back, and the same. The
 * fast scanner of rows accepts only rows that a JSON parser accepts, too.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/base/strbuf.h"
#include "lib/store/store_checksum.h"
#include "lib/store/store_format.h"
#include "lib/store/store_scan.h"
#include "lib/store/store_write.h"
#include "t/fuzz/fuzz.h"

static void must(bool holds)
{
	if (!holds)
		abort();
}

static const struct store_source source;

static int same_user(void *context, const struct user *user)
{
	struct user other;

	must(users_find(context, user->name, strlen(user->name), &other));
	must(strcmp(user->id, other.id) == 0 && strcmp(user->name, other.name) == 0);
	must(strcmp(user->password, other.password) == 0);
	must(strcmp(user->profile_id, other.profile_id) == 0);
	must(user->enabled == other.enabled && user->has_froms == other.has_froms);
	must(user->froms_len == other.froms_len);
	must(memcmp(user->froms, other.froms, user->froms_len) == 0);
	return 0;
}

static void same_profiles(const struct profiles *a, const struct profiles *b)
{
	struct cell x, y;
	size_t i;
	int column;

	must(profiles_count(a) == profiles_count(b));
	for (i = 0; i < profiles_count(a); i++) {
		must(profile_is_open(profiles_at(a, i)) == profile_is_open(profiles_at(b, i)));
		for (column = 0; column < PROFILE_COLUMNS; column++) {
			x = profile_cell(profiles_at(a, i), column);
			y = profile_cell(profiles_at(b, i), column);
			must(column == PROFILE_OPEN || cell_equal(&x, &y));
		}
	}
}

static void write_and_read(const struct store *store)
{
	struct errmsg err = { "" };
	struct store again;
	char path[64];

	(void)snprintf(path, sizeof(path), "/dev/shm/fuzz_store.%ld", (long)getpid());
	if (store_write(path, store, NULL, NULL, &err) < 0)
		return; /* there is no /dev/shm */
	must(store_read(path, &source, &again, &err) == STORE_READ);
	must(users_count(store->users) == users_count(again.users));
	(void)users_each(store->users, same_user, again.users);
	same_profiles(store->profiles, again.profiles);
	store_clear(&again);
	(void)unlink(path);
}

static void parse(char *text, size_t len)
{
	struct errmsg err = { "" };
	struct store store = { 0 };

	if (store_parse("s", text, len, &source, &store, &err) == STORE_READ)
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

/* A JSON parser accepts each row that the fast scanner accepts. */
static void scan(const char *bytes, size_t size)
{
	struct cell cells[USER_COLUMNS];
	char *line = malloc(size + 1);
	json_t *row;

	must(line != NULL);
	if (size > 0)
		memcpy(line, bytes, size);
	if (store_scan(line, size, user_columns, USER_COLUMNS, cells)) {
		must((row = json_loadb(bytes, size, JSON_REJECT_DUPLICATES, NULL)) != NULL);
		json_decref(row);
	} else {
		must(size == 0 || memcmp(line, bytes, size) == 0);
	}
	free(line);
}

/* The first byte selects: a whole file, the rows of a file that Postern wrote, or one row. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const char *text = (const char *)bytes + 1;
	char *copy;

	if (size == 0)
		return 0;
	if (bytes[0] == 'w') {
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
