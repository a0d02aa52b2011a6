/*
 * Collects the characters of rows in a server's encoding, and translates these rows to UTF-8. The
 * caller owns the collection; loads fill it and translate with it on line_worker's thread.
 */
#include "milter/pg/characters.h"

#include <libpq-fe.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strmap.h"

#define CHARACTER_MAX 4 /* bytes, in every encoding of a server */
#define UNTRANSLATED "\xff"

struct character {
	char text[CHARACTER_MAX];
	unsigned char len;
	unsigned char utf8_len;	      /* 0: no translation */
	char utf8[2 * CHARACTER_MAX]; /* some characters become two */
};

struct characters {
	int encoding;
	struct strmap *indexes; /* of the characters in `all` */
	struct character *all;
	size_t count, size, asked;
};

struct characters *characters_new(int encoding)
{
	struct characters *characters = calloc(1, sizeof(*characters));

	if (characters == NULL || (characters->indexes = strmap_new()) == NULL) {
		free(characters);
		return NULL;
	}
	characters->encoding = encoding;
	return characters;
}

void characters_free(struct characters **characters)
{
	struct characters *c = *characters;

	*characters = NULL;
	if (c == NULL)
		return;
	strmap_free(&c->indexes);
	free(c->all);
	free(c);
}

/* Return how many bytes at the beginning of the text are ASCII. */
static size_t span_ascii(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len && (unsigned char)text[i] < 0x80)
		i++;
	return i;
}

bool characters_are_ascii(const char *text, size_t len)
{
	return span_ascii(text, len) == len;
}

/* Return the length of the character beyond ASCII at the beginning of the text. */
static size_t measure(const struct characters *characters, const char *text, size_t len)
{
	unsigned char first[CHARACTER_MAX + 1] = { 0 }; /* PQmblen() may look at the second byte */
	size_t want, i;

	memcpy(first, text, len < CHARACTER_MAX ? len : CHARACTER_MAX);
	want = (size_t)PQmblen((const char *)first, characters->encoding);
	if (want > CHARACTER_MAX)
		want = CHARACTER_MAX;
	i = 1;
	while (i < want && i < len && (unsigned char)text[i] >= 0x80)
		i++;
	return i;
}

static int add_character(struct characters *characters, const char *text, size_t len)
{
	const size_t size = characters->size == 0 ? 128 : characters->size * 2;
	struct character *grown;
	int added = strmap_add(characters->indexes, text, len, (uint32_t)characters->count);

	if (added <= 0)
		return added;
	if (characters->count == characters->size) {
		grown = realloc(characters->all, size * sizeof(*grown));
		if (grown == NULL)
			return -1;
		characters->all = grown;
		characters->size = size;
	}
	characters->all[characters->count] = (struct character){ .len = (unsigned char)len };
	memcpy(characters->all[characters->count].text, text, len);
	characters->count++;
	return 0;
}

int characters_collect(struct characters *characters, const char *text, size_t len)
{
	size_t at = span_ascii(text, len), width;

	while (at < len) {
		width = measure(characters, text + at, len - at);
		if (add_character(characters, text + at, width) < 0)
			return -1;
		at += width;
		at += span_ascii(text + at, len - at);
	}
	return 0;
}

size_t characters_count(const struct characters *characters)
{
	return characters->count;
}

size_t characters_asked(const struct characters *characters)
{
	return characters->asked;
}

void characters_note_asked(struct characters *characters, size_t count)
{
	characters->asked = count;
}

const char *characters_get(const struct characters *characters, size_t i, size_t *len_r)
{
	*len_r = characters->all[i].len;
	return characters->all[i].text;
}

void characters_set(struct characters *characters, size_t i, const char *utf8, size_t len)
{
	struct character *character = &characters->all[i];

	if (len > sizeof(character->utf8))
		return;
	memcpy(character->utf8, utf8, len);
	character->utf8_len = (unsigned char)len;
}

static void translate_character(const struct characters *characters, const char *text, size_t len,
	struct strbuf *to)
{
	const struct character *character = NULL;
	uint32_t index;

	if (strmap_find(characters->indexes, text, len, &index) == 1)
		character = &characters->all[index];
	if (character != NULL && character->utf8_len > 0)
		strbuf_add(to, character->utf8, character->utf8_len);
	else
		strbuf_add_str(to, UNTRANSLATED);
}

void characters_translate(const struct characters *characters, const char *text, size_t len,
	struct strbuf *to)
{
	size_t at = 0, width;

	while (at < len) {
		width = span_ascii(text + at, len - at);
		if (width > 0) {
			strbuf_add(to, text + at, width);
		} else {
			width = measure(characters, text + at, len - at);
			translate_character(characters, text + at, width, to);
		}
		at += width;
	}
}
