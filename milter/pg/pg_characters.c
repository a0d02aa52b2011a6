/*
 * Has the server translate characters of its encoding to UTF-8, with its own tables, and finds
 * those that it cannot translate. It owns nothing and runs on the connection's thread. Shown by
 * t/integration/test_database_encodings.py.
 */
#include "milter/pg/pg_characters.h"

#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/strbuf.h"

#define UNTRANSLATABLE "22P05"
#define NOT_IN_REPERTOIRE "22021" /* not even valid in the server's encoding */
#define NO_CONVERSION "42883"	  /* none of the encoding's characters can be translated */
#define AT_ONCE 4096		  /* characters in a statement */

int pg_foreign_encoding(const struct pg *pg)
{
	const char *name = PQparameterStatus(pg->conn, "server_encoding");

	if (name == NULL || strcmp(name, "UTF8") == 0 || strcmp(name, "SQL_ASCII") == 0)
		return -1;
	return pg_char_to_encoding(name);
}

/* Append the bytes as an item of an array's text. */
static void add_bytea(struct strbuf *array, const char *text, size_t len)
{
	size_t i;

	strbuf_add_str(array, array->len > 1 ? ",\"\\\\x" : "\"\\\\x");
	for (i = 0; i < len; i++)
		strbuf_addf(array, "%02x", (unsigned char)text[i]);
	strbuf_add_char(array, '"');
}

static void take_translation(struct characters *characters, size_t i, const char *hex)
{
	const size_t len = strlen(hex) / 2;
	char utf8[16];
	size_t at;

	if (len > sizeof(utf8))
		return;
	for (at = 0; at < len; at++)
		utf8[at] = (char)(ascii_hex_digit(hex[2 * at]) * 16 +
			ascii_hex_digit(hex[2 * at + 1]));
	characters_set(characters, i, utf8, len);
}

/* Translate `count` characters from `first` on, all or none. */
static enum pg_outcome translate_at_once(struct pg *pg, struct characters *characters, size_t first,
	size_t count)
{
	struct strbuf array = STRBUF_INIT;
	const char *params[1], *text;
	PGresult *rows = NULL;
	enum pg_outcome outcome;
	size_t i, len;

	strbuf_add_char(&array, '{');
	for (i = first; i < first + count; i++) {
		text = characters_get(characters, i, &len);
		add_bytea(&array, text, len);
	}
	strbuf_add_char(&array, '}');
	if (array.failed) {
		strbuf_free(&array);
		return pg_fail(pg, "out of memory");
	}
	params[0] = array.text;
	outcome = pg_run(pg,
		"SELECT encode(convert(c, getdatabaseencoding(), 'UTF8'), 'hex')"
		" FROM unnest($1::bytea[]) WITH ORDINALITY AS t (c, n) ORDER BY n",
		1, params, pg_statement_deadline(pg), &rows);
	strbuf_free(&array);
	if (outcome != PG_OK)
		return outcome;
	for (i = 0; i < count && i < (size_t)PQntuples(rows); i++)
		take_translation(characters, first + i, PQgetvalue(rows, (int)i, 0));
	PQclear(rows);
	return PG_OK;
}

/* Return how many of `count` characters, which the server refused to translate, to give up. */
static size_t count_hopeless(const struct pg *pg, size_t count)
{
	if (pg_failed_with(pg, NO_CONVERSION))
		return count;
	return count == 1 ? 1 : 0;
}

static bool is_untranslatable(const struct pg *pg)
{
	return pg_failed_with(pg, UNTRANSLATABLE) || pg_failed_with(pg, NOT_IN_REPERTOIRE) ||
		pg_failed_with(pg, NO_CONVERSION);
}

/* Translate those from `first` on: many at once, and after a refusal fewer, down to the culprit. */
static enum pg_outcome translate_from(struct pg *pg, struct characters *characters, size_t first)
{
	const size_t count = characters_count(characters);
	size_t at_once = AT_ONCE, next;
	enum pg_outcome outcome = PG_OK;

	while (first < count && outcome == PG_OK) {
		next = count - first < at_once ? count - first : at_once;
		outcome = translate_at_once(pg, characters, first, next);
		if (outcome == PG_OK) {
			first += next;
			at_once = next < AT_ONCE / 2 ? next * 2 : AT_ONCE;
		} else if (outcome == PG_REFUSED && is_untranslatable(pg)) {
			first += count_hopeless(pg, next);
			at_once = next > 1 ? next / 2 : 1;
			outcome = pg_run(pg, "ROLLBACK TO SAVEPOINT characters", 0, NULL,
				pg_short_deadline(pg), NULL);
		}
	}
	return outcome;
}

enum pg_outcome pg_translate_characters(struct pg *pg, struct characters *characters)
{
	const size_t first = characters_asked(characters);
	enum pg_outcome outcome;

	if (first == characters_count(characters))
		return PG_OK;
	outcome = pg_run(pg, "SAVEPOINT characters", 0, NULL, pg_short_deadline(pg), NULL);
	if (outcome == PG_OK)
		outcome = translate_from(pg, characters, first);
	if (outcome == PG_OK)
		outcome = pg_run(pg, "RELEASE SAVEPOINT characters", 0, NULL, pg_short_deadline(pg),
			NULL);
	if (outcome == PG_OK)
		characters_note_asked(characters, characters_count(characters));
	return outcome;
}
