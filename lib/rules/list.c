/*
 * Lists: builds one from the text of its file, and matches regex lists. A list is immutable and
 * reference-counted; any thread may search it.
 */
#include "lib/rules/list.h"

#include <stdlib.h>
#include <string.h>

#include "lib/rules/entry_check.h"
#include "lib/rules/line_action.h"
#include "lib/rules/list_lines.h"
#include "lib/rules/list_private.h"
#include "lib/rules/regex_check.h"

/* The bound of regexlist_bytes(), so that no list delays the others for long. */
#define LIST_REGEX_BYTES (64 << 20)
#define REFUSED_BYTES 256 /* the count of a refused regex there, besides its text */

enum kind { KIND_CLIENT, KIND_ADDRESS, KIND_REGEX, KIND_ANY };

static const struct {
	const char *name;
	enum kind kind;
	enum list_id other; /* allows what this one denies, or the reverse; LIST_COUNT: none */
} lists[LIST_COUNT] = {
	[LIST_CONN_ALLOW] = { "connect.rdns_access.whitelist", KIND_CLIENT, LIST_CONN_DENY },
	[LIST_CONN_ALLOW_RE] = { "connect.rdns_access.whitelist_regex", KIND_REGEX,
		LIST_CONN_DENY_RE },
	[LIST_CONN_DENY] = { "connect.rdns_access.blacklist", KIND_CLIENT, LIST_CONN_ALLOW },
	[LIST_CONN_DENY_RE] = { "connect.rdns_access.blacklist_regex", KIND_REGEX,
		LIST_CONN_ALLOW_RE },
	[LIST_HELO_DENY_RE] = { "helo.checks.regexps", KIND_REGEX, LIST_COUNT },
	[LIST_MAIL_ALLOW] = { "mail_from.access.whitelist", KIND_ADDRESS, LIST_MAIL_DENY },
	[LIST_MAIL_ALLOW_RE] = { "mail_from.access.whitelist_regex", KIND_REGEX,
		LIST_MAIL_DENY_RE },
	[LIST_MAIL_DENY] = { "mail_from.access.blacklist", KIND_ADDRESS, LIST_MAIL_ALLOW },
	[LIST_MAIL_DENY_RE] = { "mail_from.access.blacklist_regex", KIND_REGEX,
		LIST_MAIL_ALLOW_RE },
	[LIST_RCPT_ALLOW] = { "rcpt_to.access.whitelist", KIND_ADDRESS, LIST_RCPT_DENY },
	[LIST_RCPT_ALLOW_RE] = { "rcpt_to.access.whitelist_regex", KIND_REGEX, LIST_RCPT_DENY_RE },
	[LIST_RCPT_DENY] = { "rcpt_to.access.blacklist", KIND_ADDRESS, LIST_RCPT_ALLOW },
	[LIST_RCPT_DENY_RE] = { "rcpt_to.access.blacklist_regex", KIND_REGEX, LIST_RCPT_ALLOW_RE },
	[LIST_DOMAINS] = { "access.domains", KIND_ANY, LIST_COUNT },
};

const char *list_name(enum list_id id)
{
	return lists[id].name;
}

static struct list *list_new(enum list_id id, struct orgdomain *psl)
{
	struct list *list = calloc(1, sizeof(*list));

	if (list == NULL)
		return NULL;
	list->refs = 1;
	list->id = id;
	list->name = lists[id].name;
	list->psl = orgdomain_ref(psl);
	list->names = strmap_new();
	list->allowed = strmap_new();
	list->locals = strmap_new();
	list->nets = cidr_set_new();
	list->regexes = regexlist_new(true);
	if (list->names == NULL || list->allowed == NULL || list->locals == NULL ||
		list->nets == NULL || list->regexes == NULL)
		list_unref(&list);
	return list;
}

static bool allows(enum list_id id)
{
	return strstr(lists[id].name, "whitelist") != NULL;
}

/* Return the list in which an entry belongs that another program's table allows or denies. */
static enum list_id list_for(enum list_id id, const struct entry *entry)
{
	enum line_action usual = allows(id) ? LINE_ALLOWS : LINE_DENIES;
	enum line_action action = line_action_of(entry->text, entry->len, usual);

	return action == LINE_NO_ACTION || action == usual || lists[id].other == LIST_COUNT ?
		id :
		lists[id].other;
}

static void report_entry(const struct list *list, const struct entry *entry,
	const struct errmsg *why, struct problems *problems)
{
	const enum list_id id = why->text[0] != '\0' ? list_for(list->id, entry) : list->id;
	const char *right = strstr(why->text, "; write ");

	if (id != list->id && right != NULL && strstr(right, " in ") == NULL)
		problems_add(problems, "%s:%u: %s in %s; left out", list->name, entry->line,
			why->text, lists[id].name);
	else
		problems_add(problems, "%s:%u: %s; left out", list->name, entry->line, why->text);
}

/* Note what may be wrong with the regex that was added last. */
static void note_doubts(const struct list *list, enum regex_subject subject,
	const struct entry *entry, struct problems *problems)
{
	struct errmsg text = { "" };
	struct errmsg *note = problems_keep_next(problems, PROBLEM_NOTE) ? &text : NULL;

	if (regexlist_is_costly(list->regexes, note) ||
		regex_is_doubtful(entry->text, entry->len, note) ||
		regex_has_dead_part(subject, true, entry->text, entry->len, note) ||
		(subject == REGEX_ON_ADDRESSES &&
			regex_lacks_domain(entry->text, entry->len, note)) ||
		(subject == REGEX_ON_CLIENTS && regex_lacks_dot(entry->text, entry->len, note)) ||
		(subject == REGEX_ON_HELO && regex_matches_part(entry->text, entry->len, note)))
		problems_note(problems, "%s:%u: %s", list->name, entry->line, text.text);
}

static int add_regex(struct list *list, const struct entry *entry, struct problems *problems)
{
	enum regex_subject subject = list->id == LIST_HELO_DENY_RE ? REGEX_ON_HELO :
		list->id == LIST_CONN_ALLOW_RE || list->id == LIST_CONN_DENY_RE ?
								     REGEX_ON_CLIENTS :
								     REGEX_ON_ADDRESSES;
	const size_t past_texts = regexlist_past_texts(list->regexes);
	enum regex_added added = REGEX_REFUSED;
	struct errmsg err = { "" };

	if (regexlist_bytes(list->regexes) + list->refused_bytes > LIST_REGEX_BYTES) {
		problems_add(problems,
			"%s:%u: with repeats written out, the regexes of a list may take up to %d "
			"MiB, which the earlier lines use up; left out",
			list->name, entry->line, LIST_REGEX_BYTES >> 20);
		return 0;
	}
	if (entry->len > REGEX_MAX ||
		regex_check(subject, true, entry->text, entry->len,
			problems_keep_next(problems, PROBLEM) ? &err : NULL))
		added = regexlist_add(list->regexes, entry->text, entry->len, entry->line, &err);
	if (added == REGEX_OUT_OF_MEMORY)
		return -1;
	if (past_texts == 0 && regexlist_past_texts(list->regexes) > 0)
		problems_add(problems,
			"%s:%u: the regexes of a list may be found by up to %d texts, which the "
			"earlier lines use up; this one and later ones are in force, but slower",
			list->name, entry->line, REGEX_TEXTS_MAX);
	if (added == REGEX_REFUSED) {
		list->refused_bytes += REFUSED_BYTES + entry->len;
		report_entry(list, entry, &err, problems);
	} else {
		note_doubts(list, subject, entry, problems);
	}
	return 0;
}

/* Return whether an exact entry can match. If not, it is reported, and if it may be a mistake, it
 * is noted. */
static bool entry_fits(const struct list *list, const struct entry *entry,
	struct problems *problems)
{
	static const enum entry_kind kinds[] = {
		[KIND_CLIENT] = ENTRY_CLIENT,
		[KIND_ADDRESS] = ENTRY_ADDRESS,
		[KIND_ANY] = ENTRY_ANY,
	};
	enum entry_kind kind = kinds[lists[list->id].kind];
	struct errmsg err = { "" };

	if (!entry_check(kind, entry->text, entry->len, list->psl,
		    problems_keep_next(problems, PROBLEM) ? &err : NULL)) {
		report_entry(list, entry, &err, problems);
		return false;
	}
	if (entry_is_doubtful(kind, entry->text, entry->len, &err) ||
		((list->id == LIST_RCPT_ALLOW || list->id == LIST_RCPT_DENY) &&
			entry_is_local(entry->text, entry->len, &err)))
		problems_note(problems, "%s:%u: %s", list->name, entry->line, err.text);
	return true;
}

static int add_entry(struct list *list, const struct entry *entry, struct problems *problems)
{
	if (memchr(entry->text, '\0', entry->len) != NULL) {
		problems_add(problems, "%s:%u: the line contains a NUL byte; left out", list->name,
			entry->line);
		return 0;
	}
	if (lists[list->id].kind == KIND_REGEX)
		return add_regex(list, entry, problems);
	if (!entry_fits(list, entry, problems))
		return 0;
	switch (lists[list->id].kind) {
	case KIND_CLIENT:
		return list_add_client(list, entry);
	case KIND_ADDRESS:
		return list_add_address(list, entry);
	default:
		return list_add_any(list, entry);
	}
}

static bool has_utf16_mark(const char *text, size_t len)
{
	return len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
}

/* Return whether every second byte is NUL or nearly so, as in UTF-16 without a byte order mark. */
static bool has_many_nuls(const char *text, size_t len)
{
	size_t nuls = 0, i;

	for (i = 0; i < len && i < 512; i++)
		nuls += text[i] == '\0';
	return nuls > 1 && nuls * 3 > i;
}

static bool is_unwanted(const struct list_text *text)
{
	return text->is_unwanted != NULL && atomic_load(text->is_unwanted);
}

/* Add all lines. Returns 0, or -1 when out of memory or if nobody wants the list. */
static int add_lines(struct list *list, const struct list_text *text, struct problems *problems)
{
	struct list_lines lines;
	struct entry entry;

	list_lines_init(&lines, text->text, text->len);
	while (list_lines_next(&lines, &entry.text, &entry.len)) {
		entry.line = lines.line;
		if (is_unwanted(text) || add_entry(list, &entry, problems) < 0)
			return -1;
	}
	return 0;
}

/* Add all lines, whose regexes the previous list may have. Returns as add_lines() does. */
static int fill_list(struct list *list, const struct list *previous, const struct list_text *text,
	struct problems *problems)
{
	const struct regexlist *known = previous != NULL ? previous->regexes : NULL;
	struct regex_pool *pool = regex_pool_new();
	int ret = -1;

	if (pool != NULL && (known == NULL || regex_pool_add(pool, known) == 0)) {
		regexlist_use_pool(list->regexes, pool);
		if (add_lines(list, text, problems) == 0)
			ret = regexlist_finish(list->regexes, known, NULL);
	}
	regex_pool_free(&pool);
	return ret;
}

struct list *list_rebuild(const struct list *previous, enum list_id id,
	const struct list_text *text, struct orgdomain *psl, struct problems *problems)
{
	struct list *list = list_new(id, psl);
	struct list_text used = *text;
	int added;

	if (list == NULL)
		return NULL;
	problems_begin(problems);
	if (has_utf16_mark(text->text, text->len) || has_many_nuls(text->text, text->len)) {
		problems_add(problems,
			"%s:1: the file is not UTF-8 but UTF-16; save it as UTF-8; all of it is left out",
			list->name);
		used.len = 0;
	}
	added = fill_list(list, previous, &used, problems);
	problems_end(problems, list->name, "line");
	if (added < 0) {
		list_unref(&list);
		return NULL;
	}
	strmap_shrink(list->names);
	strmap_shrink(list->allowed);
	strmap_shrink(list->locals);
	return list;
}

struct list *list_build(enum list_id id, const char *text, size_t len, struct orgdomain *psl,
	struct problems *problems)
{
	return list_rebuild(NULL, id, &(const struct list_text){ text, len, NULL }, psl, problems);
}

struct list *list_ref(struct list *list)
{
	if (list != NULL)
		__atomic_add_fetch(&list->refs, 1, __ATOMIC_RELAXED);
	return list;
}

void list_unref(struct list **list)
{
	struct list *gone = *list;

	*list = NULL;
	if (gone == NULL || __atomic_sub_fetch(&gone->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	strmap_free(&gone->names);
	strmap_free(&gone->allowed);
	strmap_free(&gone->locals);
	cidr_set_free(&gone->nets);
	regexlist_unref(&gone->regexes);
	orgdomain_unref(&gone->psl);
	free(gone);
}

struct regexlist *list_regexes(const struct list *list)
{
	return list->regexes;
}

size_t list_entries(const struct list *list)
{
	return strmap_count(list->names) + strmap_count(list->allowed) +
		cidr_set_count(list->nets) + regexlist_count(list->regexes);
}

size_t list_bytes(const struct list *list)
{
	struct regexlist_size regexes;

	regexlist_measure(list->regexes, &regexes);
	return sizeof(*list) + strmap_bytes(list->names) + strmap_bytes(list->allowed) +
		strmap_bytes(list->locals) + cidr_set_bytes(list->nets) + regexes.bytes;
}

enum list_result list_match(const struct list *list, struct regex_scratch *scratch,
	const char *subject, size_t len, uint32_t *line_r)
{
	switch (regexlist_match(list->regexes, scratch, subject, len, line_r)) {
	case REGEX_NO:
		return LIST_NO;
	case REGEX_YES:
		return LIST_YES;
	case REGEX_FAILED:
		break;
	}
	return LIST_FAILED;
}
