/*
 * Finds the addresses to which an MTA may deliver mail for an address, and the forms under which
 * lists contain one. Stateless; any thread may call it.
 */
#include "lib/match/address_readings.h"

#include <string.h>

#include "lib/base/ascii.h"
#include "lib/match/address_private.h"
#include "lib/match/case_fold.h"

/* A local part without quotes, as MTAs examine it. A NUL ends it. */
struct plain {
	char text[ADDRESS_CANON_SIZE];
	size_t len;
};

/* The local part of an address, and other forms of it that steps point into. */
struct forms {
	struct plain plain, spare, folded;
};

/* A step to the next address: pieces of a plain local part. */
struct step {
	const char *local;
	size_t local_len;
	const char *domain;
	size_t domain_len; /* 0: the domain of the address stays */
};
#define STEPS_MAX 6

/* ---- local parts --------------------------------------------------------------- */

/* Remove the quotes around text and the backslashes in it. Returns whether all of it is one quoted
 * string. */
static bool remove_quotes(const char *text, size_t len, struct plain *plain_r)
{
	size_t i, n = 0;

	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return false;
	for (i = 1; i < len - 1; i++) {
		if (text[i] == '"')
			return false;
		if (text[i] == '\\' && ++i == len - 1)
			return false;
		plain_r->text[n++] = text[i];
	}
	plain_r->text[n] = '\0';
	plain_r->len = n;
	return true;
}

static void find_plain(const struct mail_address *address, struct plain *plain_r)
{
	if (remove_quotes(address->canon, address->local_len, plain_r))
		return;
	memcpy(plain_r->text, address->canon, address->local_len);
	plain_r->text[address->local_len] = '\0';
	plain_r->len = address->local_len;
}

/*
 * Write a local part, in quotes if quoted, and "@domain" or "" behind it. Returns the length of the
 * local part, or -1 when there is no room.
 */
static int write_address(const char *local, size_t len, bool quoted, const char *domain,
	struct address_key *key_r)
{
	size_t domain_len = strlen(domain), local_len = quoted ? 2 : 0, n = 0, i;

	for (i = 0; i < len; i++)
		local_len += quoted && (local[i] == '"' || local[i] == '\\') ? 2 : 1;
	if (local_len + domain_len >= sizeof(key_r->text))
		return -1;
	if (quoted)
		key_r->text[n++] = '"';
	for (i = 0; i < len; i++) {
		if (quoted && (local[i] == '"' || local[i] == '\\'))
			key_r->text[n++] = '\\';
		key_r->text[n++] = local[i];
	}
	if (quoted)
		key_r->text[n++] = '"';
	memcpy(key_r->text + n, domain, domain_len + 1);
	key_r->len = n + domain_len;
	return (int)n;
}

/* ---- steps --------------------------------------------------------------------- */

static size_t find_last_route(const struct plain *p)
{
	size_t i = p->len;

	while (i > 0 && p->text[i - 1] != '@' && p->text[i - 1] != '%')
		i--;
	return i > 0 ? i - 1 : p->len;
}

/* Leave out the spaces around a local part, as MTAs do around the pieces of a route. */
static void trim_local(struct step *step)
{
	for (; step->local_len > 0 && *step->local == ' '; step->local_len--)
		step->local++;
	while (step->local_len > 0 && step->local[step->local_len - 1] == ' ')
		step->local_len--;
}

/* Copy a local part without its spaces. Returns whether it had any. */
static bool remove_spaces(const char *local, size_t len, struct plain *plain_r)
{
	size_t i;

	plain_r->len = 0;
	for (i = 0; i < len; i++) {
		if (local[i] != ' ')
			plain_r->text[plain_r->len++] = local[i];
	}
	plain_r->text[plain_r->len] = '\0';
	return plain_r->len < len;
}

/*
 * Find the steps that routing characters allow, the preferred one first: MTAs look for @, then for
 * !, then for %. Behind a ! without a domain, Postfix also removes the spaces within the rest.
 * Returns their number.
 */
static size_t find_routes(const struct plain *p, struct plain *spare,
	struct step steps_r[STEPS_MAX])
{
	const size_t at = find_last_route(p);
	const char *bang = memchr(p->text, '!', p->len);
	const struct step by_at = { p->text, at, p->text + at + 1, p->len - at - 1 };
	const struct step by_bang = { .domain = p->text,
		.domain_len = bang == NULL ? 0 : (size_t)(bang - p->text),
		.local = bang == NULL ? "" : bang + 1,
		.local_len = bang == NULL ? 0 : p->len - (size_t)(bang - p->text) - 1 };
	size_t count = 0, i;

	if (at < p->len && p->text[at] == '@')
		steps_r[count++] = by_at;
	if (bang == p->text && remove_spaces(by_bang.local, by_bang.local_len, spare))
		steps_r[count++] = (struct step){ .local = spare->text, .local_len = spare->len };
	if (bang != NULL)
		steps_r[count++] = by_bang;
	if (at < p->len && p->text[at] == '%')
		steps_r[count++] = by_at;
	for (i = 0; i < count; i++)
		trim_local(&steps_r[i]);
	return count;
}

/* Find the name in brackets that takes the place of an address literal: to Sendmail, the name of a
 * host. Returns whether there is one. */
static bool find_bracketed_name(const struct mail_address *from, const struct plain *p,
	struct step *step_r)
{
	const char *name = from->canon + from->local_len + 2;
	const size_t len = from->is_literal ? strlen(name) - 1 : 0;

	if (len == 0 || memchr(name, ':', len) != NULL ||
		strspn(name, "0123456789.") >= len) /* an address */
		return false;
	*step_r = (struct step){ p->text, p->len, name, len };
	return true;
}

/* Find the host that UUCP mail is for. Returns whether there is one. */
static bool find_uucp_host(const struct mail_address *from, const struct plain *p,
	struct step *step_r)
{
	static const char uucp[] = ".uucp";
	const char *name = from->canon + from->local_len + 1;
	const size_t len = from->has_domain ? strlen(name) : 0;

	if (len < sizeof(uucp) || strcmp(name + len - (sizeof(uucp) - 1), uucp) != 0)
		return false;
	*step_r = (struct step){ p->text, p->len, name, len - (sizeof(uucp) - 1) };
	return true;
}

/* Fold the case of a local part that is not ASCII. Returns whether that changes it. */
static bool fold_case(const struct plain *from, struct plain *to_r)
{
	return !ascii_is_all(from->text, from->len) &&
		case_fold(from->text, from->len, to_r->text, sizeof(to_r->text), &to_r->len) &&
		(to_r->len != from->len || memcmp(to_r->text, from->text, from->len) != 0);
}

/* Find the steps from a local part without routing characters. Returns their number. */
static size_t find_plain_steps(const struct plain *p, struct plain *spare, struct step *step_r)
{
	if (remove_quotes(p->text, p->len, spare))
		*step_r = (struct step){ .local = spare->text, .local_len = spare->len };
	else if (p->len > 1 && p->text[0] == '\\') /* Postfix: to a user, past the aliases */
		*step_r = (struct step){ .local = p->text + 1, .local_len = p->len - 1 };
	else if (p->len == 0) /* Postfix's empty_address_recipient */
		*step_r = (struct step){ .local = "mailer-daemon", .local_len = 13 };
	else
		return 0;
	return 1;
}

/* Find all steps from an address, the preferred one first; they point into forms. */
static size_t find_steps(const struct mail_address *from, struct forms *forms,
	struct step steps_r[STEPS_MAX])
{
	size_t count;

	find_plain(from, &forms->plain);
	count = find_routes(&forms->plain, &forms->spare, steps_r);
	if (count == 0 && !from->is_null)
		count = find_plain_steps(&forms->plain, &forms->spare, steps_r);
	count += find_bracketed_name(from, &forms->plain, &steps_r[count]);
	count += find_uucp_host(from, &forms->plain, &steps_r[count]);
	if (fold_case(&forms->plain, &forms->folded))
		steps_r[count++] = (struct step){ .local = forms->folded.text,
			.local_len = forms->folded.len };
	return count;
}

/*
 * Write "@domain" for a step: its domain without spaces, which MTAs ignore within quotes, or that
 * of the address. Returns false when the domain is none to which an MTA could deliver.
 */
static bool write_domain(const struct mail_address *from, const struct step *step,
	char domain_r[1 + DOMAIN_SIZE], bool *is_literal_r)
{
	char typed[ADDRESS_CANON_SIZE] = "";
	size_t i = 0, len = 0;

	if (step->domain_len > 0 && step->domain[0] == '@') /* Sendmail: "@b!a"@c */
		i++;
	for (; i < step->domain_len; i++) {
		if (step->domain[i] != ' ')
			typed[len++] = step->domain[i];
	}
	while (len > 0 && typed[len - 1] == '.') /* Sendmail ignores any number */
		len--;
	if (len == 0) {
		memcpy(domain_r, from->canon + from->local_len,
			from->canon_len - from->local_len + 1U);
		*is_literal_r = from->is_literal;
		return true;
	}
	domain_r[0] = '@';
	return address_is_clear_domain(typed, len) &&
		address_canon_domain(typed, len, domain_r + 1, is_literal_r) >= 0;
}

/* Make a step. Returns false when it leads to no address. */
static bool take_step(const struct mail_address *from, const struct step *step,
	struct mail_address *to_r)
{
	const char *local = step->local;
	const size_t len = step->local_len;
	char domain[1 + DOMAIN_SIZE];
	struct address_key key;
	bool is_literal;
	int local_len;

	if (!write_domain(from, step, domain, &is_literal) ||
		(local_len = write_address(local, len, !address_is_dot_string(local, len), domain,
			 &key)) < 0)
		return false;
	to_r->text[0] = '\0';
	to_r->text_len = 0;
	memcpy(to_r->canon, key.text, key.len + 1);
	to_r->canon_len = (uint16_t)key.len;
	to_r->local_len = (uint16_t)local_len;
	to_r->has_domain = domain[0] != '\0' && domain[1] != '\0';
	to_r->is_literal = is_literal;
	to_r->is_null = to_r->is_routed = to_r->is_odd = to_r->is_simple = false;
	return true;
}

/* ---- readings ------------------------------------------------------------------ */

/* Keep the address behind the last reading if it is a new one. */
static void keep_new(struct address_readings *readings)
{
	size_t i;

	for (i = 0; i < readings->count; i++) {
		if (address_equal(&readings->at[i], &readings->at[readings->count]))
			return;
	}
	readings->count++;
}

/* Find the step to the domain with its case folded, if it was not typed in ASCII. Returns whether
 * there is one, which points into plain_r and domain_r. */
static bool fold_domain(const struct mail_address *address, struct plain *plain_r,
	char domain_r[ADDRESS_CANON_SIZE], struct step *step_r)
{
	const char *at = strrchr(address->text, '@');
	size_t len;

	if (!address->has_domain || at == NULL || ascii_is_all(at + 1, strlen(at + 1)) ||
		!case_fold(at + 1, strlen(at + 1), domain_r, ADDRESS_CANON_SIZE, &len))
		return false;
	find_plain(address, plain_r);
	*step_r = (struct step){ plain_r->text, plain_r->len, domain_r, len };
	return true;
}

/* Take the steps from a reading. Returns false when there are too many readings. */
static bool take_steps(struct address_readings *readings, size_t from, const struct step *steps,
	size_t count)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (!take_step(&readings->at[from], &steps[i], &readings->at[readings->count]))
			continue;
		keep_new(readings);
		if (readings->count > ADDRESS_READINGS_MAX)
			return false;
	}
	return true;
}

/* Take the steps from each reading from one on, also from those to which they lead. */
static bool find_from(struct address_readings *readings, size_t from, struct forms *forms)
{
	struct step steps[STEPS_MAX];

	for (; from < readings->count; from++) {
		if (!take_steps(readings, from, steps,
			    find_steps(&readings->at[from], forms, steps)))
			return false;
	}
	return true;
}

bool address_readings_find(const struct mail_address *address, struct address_readings *readings_r)
{
	struct forms forms;
	struct step folded;
	char domain[ADDRESS_CANON_SIZE];

	readings_r->count = 1;
	readings_r->at[0] = *address;
	if (!find_from(readings_r, 0, &forms))
		return false;
	readings_r->certain = readings_r->count;
	if (!fold_domain(address, &forms.plain, domain, &folded))
		return true;
	return take_steps(readings_r, 0, &folded, 1) &&
		find_from(readings_r, readings_r->certain, &forms);
}

bool address_readings_add(const struct mail_address *address, struct address_readings *readings)
{
	const size_t known = readings->count;
	struct forms forms;

	readings->at[known] = *address;
	readings->at[known].text[0] = '\0';
	readings->at[known].text_len = 0;
	keep_new(readings);
	return readings->count <= ADDRESS_READINGS_MAX && find_from(readings, known, &forms);
}

/* Return whether a step leads from an address to another one. */
static bool leads_on(const struct mail_address *address)
{
	struct mail_address to;
	struct step steps[STEPS_MAX];
	struct forms forms;
	const size_t count = find_steps(address, &forms, steps);
	size_t i;

	for (i = 0; i < count; i++) {
		if (take_step(address, &steps[i], &to) && !address_equal(&to, address))
			return true;
	}
	return false;
}

bool address_is_final(const struct mail_address *address, const char *delimiters)
{
	struct mail_address base = *address;
	struct address_key key;

	if (!leads_on(address))
		return true;
	if (delimiters[0] == '\0' || !address_key(address, delimiters, 2, &key))
		return false;
	base.local_len = (uint16_t)(key.len - (address->canon_len - address->local_len));
	base.canon_len = (uint16_t)key.len;
	memcpy(base.canon, key.text, key.len + 1);
	return !leads_on(&base);
}

void address_innermost(const struct mail_address *address, struct mail_address *inner_r)
{
	struct mail_address from;
	struct forms forms;
	struct step steps[STEPS_MAX];
	size_t i, step, count;
	bool moved = true;

	*inner_r = *address;
	for (i = 0; i < ADDRESS_READINGS_MAX && moved; i++) {
		from = *inner_r;
		count = find_steps(&from, &forms, steps);
		moved = false;
		for (step = 0; step < count && !moved; step++)
			moved = take_step(&from, &steps[step], inner_r);
	}
}

bool address_at_domain(const struct mail_address *address, const char *domain,
	struct mail_address *moved_r)
{
	struct step step = { .domain = domain, .domain_len = strlen(domain) };
	struct plain plain;

	find_plain(address, &plain);
	step.local = plain.text;
	step.local_len = plain.len;
	return take_step(address, &step, moved_r);
}

bool address_fold(const struct mail_address *address, struct mail_address *folded_r)
{
	struct forms forms;
	struct step step = { .local = NULL };

	find_plain(address, &forms.plain);
	if (!fold_case(&forms.plain, &forms.folded))
		return false;
	step.local = forms.folded.text;
	step.local_len = forms.folded.len;
	return take_step(address, &step, folded_r);
}

/* ---- forms --------------------------------------------------------------------- */

/* Return whether there is a single delimiter, or none: then each MTA that has it, has all. */
static bool has_one_delimiter(const char *delimiters)
{
	return delimiters[0] == '\0' || delimiters[1] == '\0';
}

bool address_has_one_key(const struct mail_address *address, const char *delimiters)
{
	return address->is_simple && address_base_len(address, delimiters) == address->local_len &&
		(has_one_delimiter(delimiters) ||
			strcspn(address->canon, delimiters) >= address->local_len);
}

unsigned address_all_keys(const char *delimiters)
{
	return ADDRESS_KEYS +
		(has_one_delimiter(delimiters) ? 0 : 2 * (unsigned)strlen(delimiters));
}

/* Return the length of a local part without the extension that a form leaves out. */
static size_t base_len_of_form(const struct plain *plain, const char *delimiters, unsigned form)
{
	char alone[2] = "";

	if (form >= ADDRESS_KEYS) {
		alone[0] = delimiters[(form - ADDRESS_KEYS) / 2];
		delimiters = alone;
	}
	return delimiters[0] == '\0' ? plain->len :
				       address_local_base_len(plain->text, plain->len, delimiters);
}

bool address_key(const struct mail_address *address, const char *delimiters, unsigned form,
	struct address_key *key_r)
{
	const bool is_base = form >= 2, is_other = form % 2 == 1;
	struct plain plain;
	bool quoted;
	size_t len;

	if (form == 0) {
		memcpy(key_r->text, address->canon, address->canon_len + 1U);
		key_r->len = address->canon_len;
		return true;
	}
	find_plain(address, &plain);
	len = is_base ? base_len_of_form(&plain, delimiters, form) : plain.len;
	if (is_base && len >= plain.len)
		return false;
	quoted = !address_is_dot_string(plain.text, len);
	if (is_other && !quoted)
		return false;
	if (is_other)
		quoted = is_base ? false : address->canon[0] != '"';
	return write_address(plain.text, len, quoted, address->canon + address->local_len, key_r) >=
		0;
}

void address_count_key(const struct mail_address *address, const char *delimiters,
	struct address_key *key_r)
{
	if (address_key(address, delimiters, 2, key_r))
		return;
	if (address->canon[0] == '"' || !address_key(address, delimiters, 1, key_r))
		(void)address_key(address, delimiters, 0, key_r);
}
