/*
 * Reads the ini files of Haraka, whose grammar differs from that of postern.conf. Owns the entries
 * that it returns. t/unit/test_haraka_ini.c covers it.
 */
#include "ctl/haraka_ini.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lib/base/strbuf.h"
#include "lib/base/strmap.h"
#include "lib/base/utf8.h"

struct reader {
	struct haraka_ini *ini;
	size_t size; /* of the entries */
	const char *section;
	unsigned line;
	struct strmap *firsts; /* "section\nkey" -> its first entry */
	size_t *lasts;	       /* of each first entry: the last one with its key */
	struct strbuf pending; /* lines that the next one continues */
};

/* Return whether JavaScript's \s matches the character. */
static bool is_space(uint32_t c)
{
	return (c >= '\t' && c <= '\r') || c == ' ' || c == 0xa0 || c == 0x1680 ||
		(c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
		c == 0x205f || c == 0x3000 || c == 0xfeff;
}

/* Return the bytes of the white space at the start. */
static size_t space_len(const char *text, size_t len)
{
	size_t at = 0, n;

	while (at < len && is_space(utf8_read(text + at, len - at, &n)) && n > 0)
		at += n;
	return at;
}

/* Return the length without the white space at the end. */
static size_t trimmed_len(const char *text, size_t len)
{
	size_t begin, n;

	while (len > 0) {
		for (begin = len - 1; begin > 0 && ((unsigned char)text[begin] & 0xc0) == 0x80;)
			begin--;
		if (!is_space(utf8_read(text + begin, len - begin, &n)) || n != len - begin)
			break;
		len = begin;
	}
	return len;
}

const char *haraka_line(const char **at, const char *end, size_t *len_r)
{
	const char *line = *at;
	size_t len = 0;

	if (line >= end)
		return NULL;
	while (line + len < end && line[len] != '\n' && line[len] != '\r')
		len++;
	*at = line + len + 1;
	if (*at < end && line[len] == '\r' && **at == '\n')
		(*at)++;
	*len_r = len;
	return line;
}

const char *haraka_trim(const char *line, size_t *len)
{
	const size_t spaces = space_len(line, *len);

	*len = trimmed_len(line + spaces, *len - spaces);
	return line + spaces;
}

bool haraka_ini_is_true(const char *value)
{
	static const char *const words[] = { "true", "yes", "ok", "enabled", "on", "1" };

	for (size_t i = 0; value != NULL && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasecmp(value, words[i]) == 0)
			return true;
	return false;
}

/* Return an entry that is added, with the section and the line; NULL when out of memory. */
static struct haraka_entry *add_entry(struct reader *r)
{
	struct haraka_ini *ini = r->ini;
	struct haraka_entry *entries;
	size_t *lasts, size = r->size == 0 ? 64 : 2 * r->size;

	if (ini->count == r->size) {
		entries = realloc(ini->entries, size * sizeof(*entries));
		if (entries != NULL)
			ini->entries = entries;
		lasts = realloc(r->lasts, size * sizeof(*lasts));
		if (lasts != NULL)
			r->lasts = lasts;
		if (entries == NULL || lasts == NULL)
			return NULL;
		r->size = size;
	}
	ini->entries[ini->count] = (struct haraka_entry){
		.section = r->section,
		.line = r->line,
	};
	return &ini->entries[ini->count++];
}

static int add_problem(struct reader *r, const char *line, size_t len, const char *problem)
{
	struct haraka_entry *entry = add_entry(r);
	size_t shown = len < 60 ? len : 60;

	if (entry == NULL)
		return -1;
	entry->problem = problem;
	entry->key = arena_memdup(r->ini->arena, line, strnlen(line, shown));
	return entry->key == NULL ? -1 : 0;
}

/* Mark the earlier entry of the same key as replaced. */
static int note_key(struct reader *r, const struct haraka_entry *entry)
{
	const size_t index = (size_t)(entry - r->ini->entries);
	struct strbuf name = STRBUF_INIT;
	uint32_t first = 0;
	int added;

	strbuf_addf(&name, "%s\n%s", entry->section, entry->key);
	if (name.failed)
		return -1;
	added = strmap_add(r->firsts, name.text, name.len, (uint32_t)index);
	if (added == 0 && strmap_find(r->firsts, name.text, name.len, &first) == 1) {
		r->ini->entries[r->lasts[first]].is_replaced = true;
		r->lasts[first] = index;
	}
	r->lasts[index] = index;
	strbuf_free(&name);
	return added < 0 ? -1 : 0;
}

static bool is_key_char(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' && strchr("_@:.+-/[]", c) != NULL);
}

/* Return whether the text contains one of Unicode's line ends, which . of JavaScript's regular
 * expressions does not match. */
static bool has_line_end(const char *text, size_t len)
{
	return memmem(text, len, "\xe2\x80\xa8", 3) != NULL ||
		memmem(text, len, "\xe2\x80\xa9", 3) != NULL;
}

/* Read "KEY" or "KEY = VALUE", which is trimmed. */
static int read_key(struct reader *r, const char *line, size_t len)
{
	struct arena *arena = r->ini->arena;
	struct haraka_entry *entry;
	const char *value;
	size_t key_len = 0, at, spaces;

	while (key_len < len && is_key_char(line[key_len]))
		key_len++;
	at = key_len + space_len(line + key_len, len - key_len);
	spaces = at < len ? space_len(line + at + 1, len - at - 1) : 0;
	value = at < len ? line + at + 1 + spaces : line + len;
	if (key_len == 0 || (at < len && line[at] != '=') ||
		(at < len && has_line_end(value, (size_t)(line + len - value))))
		return add_problem(r, line, len,
			"Haraka ignores this line, because it is neither a comment, [SECTION] nor "
			"KEY = VALUE");
	if ((entry = add_entry(r)) == NULL)
		return -1;
	entry->key = arena_memdup(arena, line, key_len);
	if (at < len)
		entry->value = arena_memdup(arena, value, (size_t)(line + len - value));
	if (entry->key == NULL || (at < len && entry->value == NULL))
		return -1;
	return note_key(r, entry);
}

/* Return whether the line is "[SECTION]"; begin that section. -1 when out of memory. */
static int read_section(struct reader *r, const char *line, size_t len)
{
	size_t spaces;

	if (len < 2 || line[0] != '[' || memchr(line, ']', len) != line + len - 1)
		return 0;
	spaces = space_len(line + 1, len - 2);
	line += 1 + spaces;
	len = trimmed_len(line, len - 2 - spaces);
	r->section = arena_memdup(r->ini->arena, line, len);
	return r->section == NULL ? -1 : 1;
}

/* Return whether a line contains bytes that cannot be in a configuration. */
static const char *hostile_reason(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return "the line contains a control character";
	return utf8_valid_len(line, len) < len ? "the line is not UTF-8" : NULL;
}

/* Read a line with those that it continues. */
static int read_whole(struct reader *r)
{
	size_t len = r->pending.len;
	const char *line = haraka_trim(r->pending.text, &len);
	const char *reason = hostile_reason(line, len);
	int ret = reason != NULL ? add_problem(r, line, len, reason) : read_key(r, line, len);

	strbuf_reset(&r->pending);
	return ret;
}

/* Read a line of the file. White space at the start of one that continues another is kept. */
static int read_line(struct reader *r, const char *raw, size_t raw_len)
{
	size_t len = raw_len;
	const char *line = haraka_trim(raw, &len);
	int ret;

	r->line++;
	if (len == 0 ||
		((line[0] == ';' || line[0] == '#') &&
			!has_line_end(line, (size_t)(raw + raw_len - line))))
		return 0;
	if ((ret = read_section(r, line, len)) != 0)
		return ret < 0 ? -1 : 0;
	len = raw_len;
	while (len > 0 && (raw[len - 1] == ' ' || raw[len - 1] == '\t'))
		len--;
	if (len > 0 && raw[len - 1] == '\\') {
		strbuf_add(&r->pending, raw, len - 1);
		return r->pending.failed ? -1 : 0;
	}
	strbuf_add(&r->pending, raw, raw_len);
	return r->pending.failed ? -1 : read_whole(r);
}

int haraka_ini_parse(const char *text, size_t len, struct haraka_ini *ini_r)
{
	struct reader r = { .ini = ini_r, .section = "main", .pending = STRBUF_INIT };
	const char *at = text, *line;
	size_t line_len;
	int ret = -1;

	*ini_r = (struct haraka_ini){ .arena = arena_new(4096) };
	r.firsts = strmap_new();
	if (ini_r->arena != NULL && r.firsts != NULL) {
		ret = 0;
		while (ret == 0 && (line = haraka_line(&at, text + len, &line_len)) != NULL)
			ret = read_line(&r, line, line_len);
	}
	strmap_free(&r.firsts);
	strbuf_free(&r.pending);
	free(r.lasts);
	return ret;
}

void haraka_ini_clear(struct haraka_ini *ini)
{
	arena_free(&ini->arena);
	free(ini->entries);
	*ini = (struct haraka_ini){ .arena = NULL };
}

const struct haraka_entry *haraka_ini_find(const struct haraka_ini *ini, const char *section,
	const char *key)
{
	for (size_t i = 0; i < ini->count; i++) {
		const struct haraka_entry *entry = &ini->entries[i];

		if (entry->problem == NULL && !entry->is_replaced && strcmp(entry->key, key) == 0 &&
			strcmp(entry->section, section) == 0)
			return entry;
	}
	return NULL;
}
