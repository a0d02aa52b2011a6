/*
 * The packed record of one user: writes it from a row, and reads it. Stateless; any thread may call
 * it.
 */
#include "lib/rules/user_record.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lib/base/ascii.h"
#include "lib/base/hash.h"
#include "lib/base/text.h"
#include "lib/match/address.h"
#include "lib/match/domain.h"
#include "lib/rules/entry_check.h"
#include "lib/rules/hidden_text.h"

struct user_head user_record_head(const char *record)
{
	struct user_head head;

	memcpy(&head, record, sizeof(head));
	return head;
}

size_t user_record_size(const char *record)
{
	struct user_head h = user_record_head(record);

	return sizeof(h) + h.id_len + h.name_len + h.password_len + h.profile_len + 4U +
		h.froms_len;
}

void user_record_read(const char *record, struct user *user_r)
{
	struct user_head h = user_record_head(record);

	user_r->id = record + sizeof(h);
	user_r->name = user_r->id + h.id_len + 1;
	user_r->password = user_r->name + h.name_len + 1;
	user_r->profile_id = user_r->password + h.password_len + 1;
	user_r->froms = user_r->profile_id + h.profile_len + 1;
	user_r->froms_len = h.froms_len;
	user_r->has_froms = h.has_froms;
	user_r->enabled = h.enabled;
}

/* Return a hash without a key, whose high bits are well distributed. Names that collide only make
 * their shard larger. */
static uint32_t hash_quickly(const char *bytes, size_t len)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = len, word;

	for (; len >= sizeof(word); bytes += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = (hash ^ word) * odd;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, bytes, len);
	return (uint32_t)(((hash ^ word) * odd) >> 32);
}

uint32_t user_name_fold(const char *name, size_t len, char folded_r[USER_NAME_MAX])
{
	const uint32_t shard = UINT32_MAX << (32 - USER_SHARD_BITS);

	ascii_lower_bytes(name, len, folded_r);
	return (hash_quickly(folded_r, len) & shard) |
		((uint32_t)hash_bytes(folded_r, len) & ~shard);
}

/* Write the beginning of the texts of a row's problems. Called only for a row with a problem. */
struct where {
	char text[160];
};

static struct where where(const struct cell *row)
{
	const struct cell *id = &row[USER_ID], *name = &row[USER_NAME];
	struct where w = { "" };

	(void)text_format(w.text, sizeof(w.text), "users id %.*s (%.*s)",
		id->kind == CELL_TEXT ? (int)text_fit(id->text, id->len, 40) : 4,
		id->kind == CELL_TEXT ? id->text : "NULL",
		name->kind == CELL_TEXT ? (int)text_fit(name->text, name->len, 80) : 4,
		name->kind == CELL_TEXT ? name->text : "NULL");
	return w;
}

static bool has_control(const struct cell *cell)
{
	size_t i;

	for (i = 0; i < cell->len; i++) {
		if ((unsigned char)cell->text[i] < ' ' || cell->text[i] == 0x7f)
			return true;
	}
	return false;
}

/* Return the reason why no login can ever match the row, or NULL. */
static const char *nameless(const struct cell *name)
{
	if (name->kind != CELL_TEXT || name->len == 0)
		return "a user needs a username";
	if (name->len > USER_NAME_MAX)
		return "the username is longer than 512 bytes";
	if (has_control(name))
		return "the username contains a control character";
	if (!cell_is_utf8(name))
		return "the username is not UTF-8";
	if (name->len >= 6 && strncasecmp(name->text, "token:", 6) == 0)
		return "no username may begin with token:";
	return NULL;
}

/* Return the reason why another column of the row cannot be read, or NULL. */
static const char *unreadable(const struct cell *row)
{
	static const char *const not_utf8[USER_COLUMNS] = {
		[USER_ID] = "the id is not UTF-8",
		[USER_NAME] = "the username is not UTF-8",
		[USER_PASSWORD] = "the password is not UTF-8",
		[USER_FROMS] = "froms is not UTF-8",
		[USER_PROFILE_ID] = "the profileId is not UTF-8",
		[USER_ENABLED] = "enabled is not UTF-8",
	};
	bool enabled;
	int i;

	for (i = 0; i < USER_COLUMNS; i++) {
		if (!cell_is_utf8(&row[i]))
			return not_utf8[i];
		if (i != USER_FROMS && row[i].kind == CELL_LIST)
			return "a list in place of one value";
		if (i != USER_FROMS && row[i].kind == CELL_TEXT &&
			(row[i].len > UINT16_MAX || memchr(row[i].text, '\0', row[i].len) != NULL))
			return "a value is too long or contains a NUL byte";
	}
	if (cell_bool(&row[USER_ENABLED], true, &enabled) < 0)
		return "enabled is neither true nor false";
	return NULL;
}

static bool has_odd_bytes(const char *item, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if ((unsigned char)item[i] <= ' ' || item[i] == 0x7f || item[i] == '<' ||
			item[i] == '>')
			return true;
	}
	return false;
}

/* "d.." would lose a dot each time that it is canonicalized. */
static bool has_empty_label(const char *domain)
{
	size_t len = strlen(domain);

	return len == 0 || domain[0] == '.' || domain[len - 1] == '.' ||
		strstr(domain, "..") != NULL;
}

/*
 * Return whether an item is a common address, of lower-case letters, digits and single special
 * characters, which is its own canonical form and never doubtful. This saves time, because a load
 * may read a million of them. "--" may be part of an A-label, which can have another canonical
 * form.
 */
static bool is_plain_address(const char *item, size_t len)
{
	bool behind_mark = true, has_at = false;
	size_t i;
	char c;

	for (i = 0; i < len; i++) {
		c = item[i];
		if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
			behind_mark = false;
		} else if (behind_mark || (c == '@' && has_at)) {
			return false;
		} else if (c == '@' || c == '.' || c == '-' || (c == '_' && !has_at)) {
			has_at = has_at || c == '@';
			behind_mark = true;
		} else {
			return false;
		}
	}
	return has_at && !behind_mark && len < 200;
}

/* Return whether there is still time to convert the domain of an item. err may be NULL. */
static bool idn_fits(struct user_reading *reading, const char *item, size_t len, struct errmsg *err)
{
	const size_t bytes = domain_idn_bytes(item, len);

	reading->idn_bytes += bytes;
	if (bytes == 0 || reading->idn_bytes <= DOMAIN_IDN_MAX)
		return true;
	(void)errmsg_set(err,
		"the domains of all users with characters outside of ASCII may have up to %d MiB, "
		"which earlier rows use up; write this one in its ASCII form (xn--)",
		DOMAIN_IDN_MAX >> 20);
	return false;
}

static int refuse_from(const char *item, size_t len, struct errmsg *err)
{
	return errmsg_set(err, "\"%.*s\" is not a mail address, @domain, .domain or *",
		TEXT_CUT_LEN(item, len, 120));
}

/* Append an entry of froms in canonical form. Returns 0, or -1 with err set. */
static int add_from(struct strbuf *buf, const char *item, size_t len, struct errmsg *err)
{
	struct mail_address address;
	char name[DOMAIN_SIZE];
	int canon;

	if (!entry_check(ENTRY_FROM, item, len, NULL, err))
		return -1;
	if (item[0] != '"' && has_odd_bytes(item, len))
		return refuse_from(item, len, err);
	if (len == 1 && item[0] == '*') {
		strbuf_add(buf, "*", 2);
		return 0;
	}
	if (item[0] == '@' || item[0] == '.') {
		if ((canon = domain_canon(item + 1, len - 1, name)) <= 0 ||
			strchr(name, '@') != NULL || has_empty_label(name))
			return refuse_from(item, len, err);
		strbuf_add(buf, item, 1);
		strbuf_add(buf, name, (size_t)canon + 1);
		return 0;
	}
	if (address_parse(item, len, &address) < 0 || address.local_len == 0 ||
		(item[0] == '"' && address.canon[0] != '"') ||
		(address.canon[0] != '"' &&
			memchr(address.canon, '@', address.local_len) != NULL) ||
		(address.has_domain && has_empty_label(address_domain(&address))) ||
		address.canon[address.canon_len - 1] == '@')
		return refuse_from(item, len, err);
	strbuf_add(buf, address.canon, (size_t)address.canon_len + 1U);
	return 0;
}

static void add_froms(struct user_reading *reading, struct strbuf *buf, const struct cell *row,
	struct user_head *head, struct problems *problems)
{
	const struct cell *froms = &row[USER_FROMS];
	struct errmsg err, *fault;
	struct cell_items items;
	const size_t idn_before = reading->idn_bytes;
	size_t start = buf->len, len;
	const char *item;

	err.text[0] = '\0'; /* to clear all of it would take long */
	if (froms->kind != CELL_NULL && froms->len > USER_FROMS_MAX) {
		head->has_froms = 1;
		problems_add(problems,
			"%s: froms has %zu bytes, and may have up to %d KiB; write @domain for all "
			"addresses of a domain; all of it is left out",
			where(row).text, froms->len, USER_FROMS_MAX >> 10);
		return;
	}
	cell_items_init(&items, froms, 0);
	while (cell_items_next(&items, &item, &len)) {
		head->has_froms = 1;
		if (is_plain_address(item, len)) {
			strbuf_add(buf, item, len);
			strbuf_add_char(buf, '\0');
			continue;
		}
		fault = problems_keep_next(problems, PROBLEM) ? &err : NULL;
		if (!idn_fits(reading, item, len, fault) || add_from(buf, item, len, fault) < 0)
			problems_add(problems, "%s: froms[%u]: %s; left out", where(row).text,
				items.number, err.text);
		else if (entry_is_doubtful(ENTRY_FROM, item, len, &err))
			problems_note(problems, "%s: froms[%u]: %s", where(row).text, items.number,
				err.text);
	}
	head->froms_len = (uint32_t)(buf->len - start);
	head->idn_units =
		(uint16_t)((reading->idn_bytes - idn_before + USER_IDN_UNIT - 1) / USER_IDN_UNIT);
}

static uint16_t add_text(struct strbuf *buf, const struct cell *cell)
{
	uint16_t len = cell->kind == CELL_TEXT ? (uint16_t)cell->len : 0;

	strbuf_add(buf, len > 0 ? cell->text : "", len);
	strbuf_add_char(buf, '\0');
	return len;
}

static void test_password(const char *hash, const struct cell *row, users_password_test *test,
	struct problems *problems)
{
	struct errmsg err;

	if (test != NULL && hash[0] != '\0' && test(hash, &err) < 0)
		problems_add(problems, "%s: password: %s; it allows no login", where(row).text,
			err.text);
}

/* Report white space around the name, which belongs to the login, and invisible characters in it. A
 * column of type char(n) adds spaces. */
static void check_name(const struct cell *row, struct problems *problems)
{
	const struct cell *name = &row[USER_NAME];
	struct errmsg why;

	if (name->text[0] == ' ' || name->text[name->len - 1] == ' ')
		problems_add(problems,
			"%s: the username begins or ends with a space, which the client must send, too; "
			"remove the space (in a column of type char(n), make that text)",
			where(row).text);
	if (hidden_in_login(name->text, name->len, &why))
		problems_add(problems, "%s: the username %s", where(row).text, why.text);
}

/* Append the columns of the row after the head. */
static void add_columns(struct user_reading *reading, struct strbuf *buf, const struct cell *row,
	struct user_head *head, struct problems *problems)
{
	size_t password;
	bool enabled = false;

	(void)cell_bool(&row[USER_ENABLED], true, &enabled);
	head->enabled = enabled;
	head->id_len = add_text(buf, &row[USER_ID]);
	head->name_len = add_text(buf, &row[USER_NAME]);
	password = buf->len;
	head->password_len = add_text(buf, &row[USER_PASSWORD]);
	head->profile_len = add_text(buf, &row[USER_PROFILE_ID]);
	add_froms(reading, buf, row, head, problems);
	if (!buf->failed)
		test_password(buf->text + password, row, reading->password_test, problems);
}

/*
 * Write a disabled user for a row that cannot be read. If the row were left out, `unknown_user =
 * accept` would allow the user everything.
 */
static void add_switched_off(struct strbuf *buf, const struct cell *row, struct user_head *head)
{
	const struct cell none = { .kind = CELL_NULL }, *id = &row[USER_ID];
	bool has_id = id->kind == CELL_TEXT && id->len <= UINT16_MAX &&
		memchr(id->text, '\0', id->len) == NULL && cell_is_utf8(id);

	head->id_len = add_text(buf, has_id ? id : &none);
	head->name_len = add_text(buf, &row[USER_NAME]);
	(void)add_text(buf, &none);
	(void)add_text(buf, &none);
}

int user_record_write(struct user_reading *reading, struct strbuf *buf,
	const struct cell row[USER_COLUMNS], uint32_t *hash_r, struct problems *problems)
{
	struct user_head head = { 0 };
	char folded[USER_NAME_MAX];
	const char *why = nameless(&row[USER_NAME]);
	size_t start = buf->len;

	if (why != NULL) {
		problems_add(problems, "%s: %s; left out", where(row).text, why);
		return 0;
	}
	check_name(row, problems);
	*hash_r = user_name_fold(row[USER_NAME].text, row[USER_NAME].len, folded);
	head.hash = *hash_r;
	strbuf_add(buf, (const char *)&head, sizeof(head)); /* reserves its place */
	if ((why = unreadable(row)) != NULL) {
		problems_add(problems, "%s: %s; the user is switched off", where(row).text, why);
		add_switched_off(buf, row, &head);
	} else {
		add_columns(reading, buf, row, &head, problems);
	}
	if (buf->failed)
		return -1;
	memcpy(buf->text + start, &head, sizeof(head));
	return 1;
}
