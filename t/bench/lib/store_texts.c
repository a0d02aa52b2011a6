/*
 * Makes JSON stores in the layouts of common programs, for bench_store. The same number of users
 * always gives the same text. Stateless.
 */
#include "t/bench/lib/store_texts.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define DIGEST_LEN 86

/*
 * Keys of a user: id, username, password, froms as list or as text (t), profileId (r), enabled; and
 * columns that Postern does not have: createdAt, note, quota with a fraction, an object (o), a list
 * (l). The keys of a profile are always those of Postern.
 */
#define OWN "iupfr"

const struct store_layout store_layouts[] = {
	{ "own rows in one line", ":", ",", ",", OWN, NULL, "", false, false, false },
	{ "one row a line (json_agg)", ":", ",", ", \n ", "iuptre", NULL, "", false, false, false },
	{ "one line (Python)", ": ", ", ", ", ", OWN, NULL, "", false, false, false },
	{ "one line, \\/ (PHP)", ":", ",", ",", OWN, NULL, "", false, true, false },
	{ "one line, \\u00e9 (Python)", ": ", ", ", ", ", OWN, NULL, "", false, false, true },
	{ "indented by 2 (jq, Python)", ": ", ",", ",", OWN, "\n", "  ", false, false, false },
	{ "indented by 4, sorted keys", ": ", ",", ",", "efipru", "\n", "    ", false, false,
		false },
	{ "indented by tabs", ": ", ",", ",", OWN, "\n", "\t", false, false, false },
	{ "indented by 2, CRLF, BOM", ": ", ",", ",", OWN, "\r\n", "  ", true, false, false },
	{ "one row a line, keys reversed", ":", ",", ",\n", "rfpui", NULL, "", false, false,
		false },
	{ "one row a line, other columns", ":", ",", ",\n", "iucpfrnqe", NULL, "", false, false,
		false },
	{ "indented by 2, other columns", ": ", ",", ",", "iucpfrnqe", "\n", "  ", false, false,
		false },
	{ "one row a line, nested columns", ":", ",", ",\n", "iupfrol", NULL, "", false, false,
		false },
	{ NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false, false },
};

struct text_writer {
	struct strbuf *text;
	const struct store_layout *layout;
	int level;
	bool is_first; /* in its object or list */
};

static void begin_line(struct text_writer *w)
{
	int i;

	if (w->layout->line_end == NULL)
		return;
	strbuf_add_str(w->text, w->layout->line_end);
	for (i = 0; i < w->level; i++)
		strbuf_add_str(w->text, w->layout->indent);
}

static void add_open(struct text_writer *w, char bracket)
{
	strbuf_add_char(w->text, bracket);
	w->level++;
	w->is_first = true;
}

static void add_close(struct text_writer *w, char bracket)
{
	w->level--;
	begin_line(w);
	strbuf_add_char(w->text, bracket);
	w->is_first = false;
}

static void begin_item(struct text_writer *w, const char *comma)
{
	if (!w->is_first)
		strbuf_add_str(w->text, comma);
	w->is_first = false;
	begin_line(w);
}

static void add_key(struct text_writer *w, const char *key)
{
	begin_item(w, w->layout->comma);
	strbuf_addf(w->text, "\"%s\"%s", key, w->layout->colon);
}

static void add_text(struct text_writer *w, const char *text)
{
	strbuf_add_char(w->text, '"');
	for (; *text != '\0'; text++) {
		if (*text == '/' && w->layout->escapes_slashes)
			strbuf_add_str(w->text, "\\/");
		else if (*text == 'e' && w->layout->escapes_letters)
			strbuf_add_str(w->text, "\\u00e9");
		else
			strbuf_add_char(w->text, *text);
	}
	strbuf_add_char(w->text, '"');
}

static void add_text_member(struct text_writer *w, const char *key, const char *text)
{
	add_key(w, key);
	add_text(w, text);
}

/* What looks like a hash by SHA-512. */
static void add_password(struct text_writer *w, size_t i)
{
	static const char digits[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	uint64_t bits = i;
	char hash[DIGEST_LEN + 32];
	int at = snprintf(hash, sizeof(hash), "$6$salt%012zu$", i), k;

	for (k = 0; k < DIGEST_LEN; k++) {
		bits = bits * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		hash[at++] = digits[bits >> 58];
	}
	hash[at] = '\0';
	add_key(w, "password");
	if (w->layout->escapes_slashes)
		add_text(w, hash);
	else
		strbuf_addf(w->text, "\"%s\"", hash);
}

static void add_froms(struct text_writer *w, size_t i, bool is_list)
{
	char first[64], second[64], both[128];

	(void)snprintf(first, sizeof(first), "user%zu@example.com", i);
	(void)snprintf(second, sizeof(second), "alias%zu@example.org", i);
	add_key(w, "froms");
	if (is_list) {
		add_open(w, '[');
		begin_item(w, w->layout->comma);
		strbuf_addf(w->text, "\"%s\"", first);
		begin_item(w, w->layout->comma);
		strbuf_addf(w->text, "\"%s\"", second);
		add_close(w, ']');
	} else {
		(void)snprintf(both, sizeof(both), "%s,%s", first, second);
		add_text(w, both);
	}
}

static void add_nested(struct text_writer *w, char key)
{
	if (key == 'o') {
		add_key(w, "address");
		add_open(w, '{');
		add_text_member(w, "city", "Springfield");
		add_text_member(w, "zip", "12345");
		add_close(w, '}');
	} else {
		add_key(w, "groups");
		add_open(w, '[');
		begin_item(w, w->layout->comma);
		strbuf_add_str(w->text, "10");
		begin_item(w, w->layout->comma);
		strbuf_add_str(w->text, "20");
		add_close(w, ']');
	}
}

static void add_member(struct text_writer *w, char key, size_t i)
{
	char name[64];

	switch (key) {
	case 'i':
		add_key(w, "id");
		strbuf_addf(w->text, "%zu", i);
		break;
	case 'u':
		(void)snprintf(name, sizeof(name), "user%zu@example.com", i);
		add_text_member(w, "username", name);
		break;
	case 'p':
		add_password(w, i);
		break;
	case 'f':
	case 't':
		add_froms(w, i, key == 'f');
		break;
	case 'r':
		add_key(w, "profileId");
		strbuf_addf(w->text, "%zu", 1 + i % 4);
		break;
	case 'e':
		add_key(w, "enabled");
		strbuf_add_str(w->text, "true");
		break;
	case 'c':
		add_text_member(w, "createdAt", "2026-01-31T23:59:59.123456+00:00");
		break;
	case 'n':
		add_text_member(w, "note", "a mailbox of the sales office");
		break;
	case 'q':
		add_key(w, "quota");
		strbuf_addf(w->text, "%zu.5", i % 100);
		break;
	default:
		add_nested(w, key);
		break;
	}
}

static void add_row(struct text_writer *w, const char *keys, size_t i)
{
	begin_item(w, w->layout->row_comma);
	add_open(w, '{');
	for (; *keys != '\0'; keys++)
		add_member(w, *keys, i);
	add_close(w, '}');
}

static void add_profile(struct text_writer *w, size_t i)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "profile %zu", i);
	begin_item(w, w->layout->row_comma);
	add_open(w, '{');
	add_member(w, 'i', i);
	add_text_member(w, "name", name);
	add_key(w, "open");
	strbuf_add_str(w->text, "true");
	add_close(w, '}');
}

void store_text_make(struct strbuf *text, const struct store_layout *layout, size_t users)
{
	struct text_writer w = { .text = text, .layout = layout };
	size_t i;

	strbuf_add_str(text, layout->has_mark ? "\xef\xbb\xbf" : "");
	add_open(&w, '{');
	add_key(&w, "format");
	strbuf_add_str(text, "\"postern-store-1\"");
	add_key(&w, "profiles");
	add_open(&w, '[');
	for (i = 1; i <= 4; i++)
		add_profile(&w, i);
	add_close(&w, ']');
	add_key(&w, "users");
	add_open(&w, '[');
	for (i = 0; i < users; i++)
		add_row(&w, layout->keys, i);
	add_close(&w, ']');
	add_close(&w, '}');
	strbuf_add_str(text, layout->line_end != NULL ? layout->line_end : "\n");
}
