/*
 * Takes the list files: copies their lines, comments out those that Postern would refuse, and
 * reports those that have another effect. Owns nothing. t/integration/test_import_haraka.py covers
 * it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/import.h"
#include "lib/base/text.h"
#include "lib/base/utf8.h"
#include "lib/base/visible.h"
#include "lib/match/cidr.h"
#include "lib/match/orgdomain.h"
#include "lib/rules/list_lines.h"

#define LIST_MAX ((uint64_t)256 << 20) /* bytes: the default of [lists] max_file */

/* The files of older plugins, and the list to which they are added. */
static const struct {
	const char *file;
	enum list_id id;
	enum haraka_plugin plugin;
	bool is_unanchored; /* a regex matches a part of the name */
} older[] = {
	{ "mail_from.blocklist", LIST_MAIL_DENY, PLUGIN_MAIL_BLOCKLIST, false },
	{ "rcpt_to.blocklist", LIST_RCPT_DENY, PLUGIN_RCPT_BLOCKLIST, false },
	{ "rdns.deny_regexps", LIST_CONN_DENY_RE, PLUGIN_RDNS_REGEXP, true },
	{ "rdns.allow_regexps", LIST_CONN_ALLOW_RE, PLUGIN_RDNS_REGEXP, true },
};

/* One file that is being taken. */
struct taking {
	struct import *import;
	struct orgdomain *psl;
	enum list_id id;
	const char *file;
	bool is_unanchored;
	size_t taken;
};

static const char *const list_checks[LIST_COUNT] = {
	[LIST_CONN_ALLOW] = "conn",
	[LIST_CONN_ALLOW_RE] = "conn",
	[LIST_CONN_DENY] = "conn",
	[LIST_CONN_DENY_RE] = "conn",
	[LIST_HELO_DENY_RE] = "helo",
	[LIST_MAIL_ALLOW] = "mail",
	[LIST_MAIL_ALLOW_RE] = "mail",
	[LIST_MAIL_DENY] = "mail",
	[LIST_MAIL_DENY_RE] = "mail",
	[LIST_RCPT_ALLOW] = "rcpt",
	[LIST_RCPT_ALLOW_RE] = "rcpt",
	[LIST_RCPT_DENY] = "rcpt",
	[LIST_RCPT_DENY_RE] = "rcpt",
	[LIST_DOMAINS] = "any",
};

static bool is_regex_list(enum list_id id)
{
	switch (id) {
	case LIST_CONN_ALLOW_RE:
	case LIST_CONN_DENY_RE:
	case LIST_HELO_DENY_RE:
	case LIST_MAIL_ALLOW_RE:
	case LIST_MAIL_DENY_RE:
	case LIST_RCPT_ALLOW_RE:
	case LIST_RCPT_DENY_RE:
		return true;
	default:
		return false;
	}
}

static bool is_network(const char *entry, size_t len)
{
	char text[CIDR_TEXT_SIZE + 8];
	struct cidr net;
	struct errmsg unused;

	if (len >= sizeof(text) || memchr(entry, '/', len) == NULL)
		return false;
	memcpy(text, entry, len);
	text[len] = '\0';
	return cidr_parse(text, &net, &unused) == 0;
}

/* Return how an entry that Postern accepts decides otherwise than in Haraka; NULL if it does not.
 * whole_len is the length with the comment after it. */
static const char *difference(const struct taking *t, const char *entry, size_t len,
	size_t whole_len)
{
	const bool has_at = memchr(entry, '@', len) != NULL;

	if (len < whole_len)
		return "Haraka takes the comment for a part of the entry, which therefore matches "
		       "nothing";
	if (t->id == LIST_DOMAINS) {
		if (entry[0] == '!')
			return len > 1 && (entry[1] == ' ' || entry[1] == '\t') ?
				"allows the name; Haraka never matches it, because of the space" :
				NULL;
		if (entry[0] == '@')
			return "refuses the domain; Haraka never matches it";
		return has_at ? "refuses this address only; Haraka refuses the whole domain" : NULL;
	}
	if (is_regex_list(t->id))
		return NULL;
	if (is_network(entry, len))
		return "matches the network; Haraka compares the text, which matches nothing";
	if (entry[0] == '@' || entry[0] == '.')
		return "matches the domain; Haraka compares the text, which matches nothing";
	return NULL;
}

/* Have an entry checked as a list of its own. Returns 0; 1 with the reason in err when it is
 * refused; -1 when out of memory. */
static int check_entry(const struct taking *t, const char *entry, size_t len, struct errmsg *err)
{
	struct problems *problems = problems_new();
	struct list *list =
		problems == NULL ? NULL : list_build(t->id, entry, len, t->psl, problems);
	const char *text;
	int ret = list == NULL ? -1 : 0;

	if (ret == 0 && problems_count(problems) > 0) {
		ret = 1;
		text = problems_kept(problems) > 0 ? problems_text(problems, 0) : "it is refused";
		if (strncmp(text, list_name(t->id), strlen(list_name(t->id))) == 0 &&
			strstr(text, ":1: ") != NULL)
			text = strstr(text, ":1: ") + 4;
		(void)errmsg_set(err, "%s", text);
	}
	list_unref(&list);
	problems_free(&problems);
	return ret;
}

/* Copy a line whose entry is accepted, and report its difference. */
static void copy_entry(struct taking *t, struct strbuf *text, const char *line, size_t len,
	size_t entry_len, unsigned number)
{
	const char *other = difference(t, line, entry_len, len);

	if (t->is_unanchored) {
		strbuf_add_str(text, ".*(?:");
		strbuf_add(text, line, entry_len);
		strbuf_add_str(text, ").*");
	} else {
		strbuf_add(text, line, len);
	}
	t->taken++;
	if (other != NULL)
		import_report_add(&t->import->report, IMPORT_CHANGED, t->file, number, "%.*s: %s",
			TEXT_CUT_LEN(line, len, 100), other);
}

static void comment_out(struct taking *t, struct strbuf *text, const char *line, size_t len,
	unsigned number, const struct errmsg *err)
{
	strbuf_add_str(text, "# not taken: ");
	visible_add(text, err->text, strlen(err->text));
	strbuf_add_str(text, ": ");
	visible_add(text, line, text_fit(line, len, 200));
	import_report_add(&t->import->report, IMPORT_REFUSED, t->file, number, "%s", err->text);
}

/* Return why a line cannot be an entry of any list; NULL if it can. */
static const char *hostile_reason(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return "the line contains a control character";
	return utf8_valid_len(line, len) < len ? "the line is not UTF-8" : NULL;
}

/* Take one line. Returns 0, or -1 when out of memory. */
static int take_line(struct taking *t, struct strbuf *text, const char *line, size_t len,
	unsigned number)
{
	const char *reason;
	struct list_lines lines;
	struct errmsg err;
	const char *entry;
	size_t entry_len;
	int checked;

	line = haraka_trim(line, &len);
	list_lines_init(&lines, line, len);
	if (!list_lines_next(&lines, &entry, &entry_len) || entry != line) {
		visible_add(text, line, len); /* a comment */
	} else if ((reason = hostile_reason(line, len)) != NULL) {
		(void)errmsg_set(&err, "%s", reason);
		comment_out(t, text, line, len, number, &err);
	} else if ((checked = check_entry(t, entry, entry_len, &err)) < 0) {
		return -1;
	} else if (checked > 0) {
		comment_out(t, text, line, len, number, &err);
	} else {
		copy_entry(t, text, line, len, entry_len, number);
	}
	strbuf_add_char(text, '\n');
	return text->failed ? -1 : 0;
}

/* Report the number of entries, and that a check that is off does not use them. */
static void report_file(const struct taking *t)
{
	const char *check = list_checks[t->id], *name = list_name(t->id);
	const char *value = import_conf_get(&t->import->conf, "check", check);
	const bool is_own = strcmp(t->file, name) == 0;

	if (value != NULL && strcmp(value, "no") == 0)
		import_report_add(&t->import->report, IMPORT_OTHER, t->file, 0,
			"%zu entr%s without an effect, as in Haraka: [check] %s = no", t->taken,
			t->taken == 1 ? "y" : "ies", check);
	else
		import_report_add(&t->import->report, IMPORT_TAKEN, t->file, 0, "%zu entr%s%s%s",
			t->taken, t->taken == 1 ? "y" : "ies", is_own ? "" : ", now in ",
			is_own ? "" : name);
}

/* Return whether the text may be UTF-16, in which every second byte of English is NUL. */
static bool is_utf16(const char *text, size_t len)
{
	return memchr(text, '\0', len) != NULL || (len >= 2 && memcmp(text, "\xff\xfe", 2) == 0) ||
		(len >= 2 && memcmp(text, "\xfe\xff", 2) == 0);
}

static int take_file(struct taking *t, struct errmsg *err)
{
	struct strbuf *text = &t->import->lists[t->id];
	const char *at, *line;
	size_t len, line_len;
	unsigned number = 0;
	char *content;
	int ret = 0;

	if (import_read(t->import, t->file, LIST_MAX, &content, &len) != FILE_READ)
		return 0;
	if (is_utf16(content, len)) {
		import_report_add(&t->import->report, IMPORT_REFUSED, t->file, 0,
			"the file is not UTF-8 text; nothing of it is taken");
		free(content);
		return 0;
	}
	at = content;
	while (ret == 0 && (line = haraka_line(&at, content + len, &line_len)) != NULL)
		ret = take_line(t, text, line, line_len, ++number);
	free(content);
	if (ret < 0)
		return errmsg_set(err, "%s: out of memory", t->file);
	report_file(t);
	return 0;
}

int import_lists(struct import *import, struct errmsg *err)
{
	struct taking t = { .import = import };
	int ret = orgdomain_default(&t.psl, err);

	for (int i = 0; i < LIST_COUNT && ret == 0; i++) {
		t.id = (enum list_id)i;
		t.file = list_name(t.id);
		t.taken = 0;
		ret = take_file(&t, err);
	}
	for (size_t i = 0; i < sizeof(older) / sizeof(older[0]) && ret == 0; i++) {
		if (!import->has_plugin[older[i].plugin])
			continue;
		t = (struct taking){ import, t.psl, older[i].id, older[i].file,
			older[i].is_unanchored, 0 };
		ret = take_file(&t, err);
	}
	orgdomain_unref(&t.psl);
	return ret;
}
