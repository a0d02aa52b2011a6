/*
 * Reads the grammar of postern.conf and calls a function for each section and key. Holds no state;
 * any thread.
 */
#include "lib/conf/ini.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/base/strmap.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"

struct reader {
	const char *path;
	ini_each_fn *each;
	void *context;
	struct problems *errors; /* NULL: the first error ends the reading */
	struct errmsg *err;	 /* of the present line */
	char *section;		 /* NULL before the first one */
	bool is_skipped;	 /* the section has an error, so its keys are not read */
	struct strmap *sections; /* name -> line */
	struct strmap *names;	 /* of this section -> line */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Remove white space at both ends, in place. */
static char *trim(char *text)
{
	size_t len;

	while (is_blank(*text))
		text++;
	len = strlen(text);
	while (len > 0 && is_blank(text[len - 1]))
		len--;
	text[len] = '\0';
	return text;
}

void ini_cut_comment(char *value)
{
	char *at;

	for (at = value; *at != '\0'; at++) {
		if ((*at == '#' || *at == ';') && (at == value || is_blank(at[-1]))) {
			*at = '\0';
			break;
		}
	}
	(void)trim(value); /* a value has no white space in front, so that its start stays */
}

/* Remember name. Returns 0, or -1 with err set if it is repeated. */
static int note_once(struct reader *r, struct strmap *seen, const char *name, unsigned line,
	const char *what)
{
	uint32_t first = 0;

	switch (strmap_add(seen, name, strlen(name), line)) {
	case 1:
		return 0;
	case 0:
		(void)strmap_find(seen, name, strlen(name), &first);
		return errmsg_set(r->err, "%s is repeated; it first appears in line %u", what,
			first);
	default:
		return errmsg_set(r->err, "out of memory");
	}
}

static int begin_section(struct reader *r, char *text, unsigned line)
{
	struct ini_entry entry = { .line = line };
	char what[200];
	char *end = strchr(text, ']');
	char *rest;

	r->is_skipped = true;
	if (end == NULL)
		return errmsg_set(r->err,
			"the ] after the section's name is missing; write [NAME]");
	*end = '\0';
	rest = trim(end + 1);
	if (*rest != '\0' && *rest != '#' && *rest != ';')
		return errmsg_set(r->err,
			"text after ]; only a comment may follow the section's name");
	r->section = trim(text + 1);
	if (*r->section == '\0')
		return errmsg_set(r->err, "the section has no name; write [NAME]");
	(void)text_format(what, sizeof(what), "[%s]", r->section);
	if (note_once(r, r->sections, r->section, line, what) < 0)
		return -1;
	strmap_free(&r->names);
	if ((r->names = strmap_new()) == NULL)
		return errmsg_set(r->err, "out of memory");
	entry.section = r->section;
	r->is_skipped = false;
	if (r->each(r->context, &entry, r->err) == 0)
		return 0;
	r->is_skipped = true;
	return -1;
}

static int read_key(struct reader *r, char *text, unsigned line)
{
	struct ini_entry entry = { .section = r->section, .line = line };
	char what[200];
	char *equals = strchr(text, '=');
	char *name;

	if (r->is_skipped)
		return 0;
	if (equals == NULL)
		return errmsg_set(r->err,
			"expected [SECTION], NAME = VALUE, or a comment that begins with # or ;");
	*equals = '\0';
	name = trim(text);
	if (*name == '\0')
		return errmsg_set(r->err, "the name before = is missing; write NAME = VALUE");
	if (r->section == NULL)
		return errmsg_set(r->err, "%s precedes the first [SECTION]", name);
	(void)text_format(what, sizeof(what), "[%s] %s", r->section, name);
	if (note_once(r, r->names, name, line, what) < 0)
		return -1;
	entry.name = name;
	entry.value = trim(equals + 1);
	return r->each(r->context, &entry, r->err);
}

static int read_line(struct reader *r, char *text, size_t len, unsigned line)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (((unsigned char)text[i] < 0x20 && text[i] != '\t') || text[i] == 0x7f)
			return errmsg_set(r->err, "byte %zu is a control character (0x%02x)", i + 1,
				(unsigned char)text[i]);
	if ((i = utf8_valid_len(text, len)) < len)
		return errmsg_set(r->err, "byte %zu (0x%02x) is not UTF-8", i + 1,
			(unsigned char)text[i]);
	text = trim(text);
	if (*text == '\0' || *text == '#' || *text == ';')
		return 0;
	return *text == '[' ? begin_section(r, text, line) : read_key(r, text, line);
}

static bool contains(const struct problems *errors, const char *text)
{
	for (size_t i = 0; i < problems_kept(errors); i++)
		if (strcmp(problems_text(errors, i), text) == 0)
			return true;
	return false;
}

/* Returns 0, or -1 with r->err set to the first error. */
static int read_lines(struct reader *r, char *text, size_t len)
{
	char *end = text + len, *next;
	struct errmsg first = { "" };
	unsigned line = 0;
	size_t n;

	for (; text < end; text = next) {
		line++;
		for (n = 0; text + n < end && text[n] != '\n' && text[n] != '\r'; n++)
			;
		next = text + n + 1;
		if (next < end && next[-1] == '\r' && *next == '\n')
			next++;
		text[n] = '\0'; /* the copy is one byte longer than the text */
		if (read_line(r, text, n, line) == 0)
			continue;
		(void)errmsg_prefix(r->err, "%s:%u: ", r->path, line);
		if (r->errors == NULL)
			return -1;
		if (!contains(r->errors, r->err->text))
			problems_add(r->errors, "%s", r->err->text);
		if (first.text[0] == '\0')
			first = *r->err;
	}
	if (first.text[0] == '\0')
		return 0;
	*r->err = first;
	return -1;
}

int ini_read(const char *path, const char *text, size_t len, ini_each_fn *each, void *context,
	struct errmsg *err)
{
	return ini_read_all(path, text, len, each, context, NULL, err);
}

int ini_read_all(const char *path, const char *text, size_t len, ini_each_fn *each, void *context,
	struct problems *errors, struct errmsg *err)
{
	struct reader r = {
		.path = path,
		.each = each,
		.context = context,
		.errors = errors,
		.err = err,
	};
	const size_t mark = utf8_mark_len(text, len);
	char *copy;
	int ret = -1;

	text += mark;
	len -= mark;
	copy = malloc(len + 1);
	r.sections = strmap_new();
	if (copy == NULL || r.sections == NULL) {
		(void)errmsg_set(err, "%s: out of memory", path);
	} else {
		if (len > 0)
			memcpy(copy, text, len);
		ret = read_lines(&r, copy, len);
	}
	strmap_free(&r.names);
	strmap_free(&r.sections);
	free(copy);
	return ret;
}
