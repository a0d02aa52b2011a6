/*
 * Looks an address of MAIL or RCPT up in lists, and each address to which the MTA may deliver it,
 * and finds the one that is counted. Owns nothing; any thread may call it.
 * t/unit/test_check_readings.c covers it.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/check_private.h"

/*
 * The addresses to look up, one after the other: each reading and, if the MTA may deliver it there,
 * at each of local_domains. The MTA may also complete a name without a dot: a@mx is looked up at
 * corp.example and at mx.corp.example.
 */
struct lookup {
	const struct settings *settings;
	const struct address_readings *readings;
	size_t next;	    /* reading */
	const char *domain; /* the next domain for the last reading; "": none is left */
	bool is_replaced;   /* the last address is replaced with those at local_domains */
	bool is_completed;  /* the next domain comes below the name of the reading */
	struct mail_address moved;
};

static void lookup_init(struct lookup *l, const struct check_run *run,
	const struct address_readings *readings)
{
	l->settings = run->settings;
	l->readings = readings;
	l->next = 0;
	l->domain = "";
	l->is_replaced = l->is_completed = false;
}

/* Return whether the address is at a name that the MTA may complete. */
static bool has_short_name(const struct mail_address *address)
{
	const char *name = address_domain(address);

	return name[0] != '\0' && strpbrk(name, ".[") == NULL && strcmp(name, "localhost") != 0;
}

/* Move the last reading to the next domain. Returns false if the address is longer than any entry.
 */
static bool move_reading(struct lookup *l)
{
	const struct mail_address *reading = &l->readings->at[l->next - 1];
	const char *domain = l->domain;
	char completed[2 * DOMAIN_SIZE];
	bool fits = true;

	if (l->is_completed) {
		fits = text_format(completed, sizeof(completed), "%s.%s", address_domain(reading),
			       domain) < DOMAIN_SIZE;
		domain = completed;
	}
	l->is_completed = !l->is_completed && has_short_name(reading);
	if (!l->is_completed)
		l->domain += strlen(l->domain) + 1;
	return fits && address_at_domain(reading, domain, &l->moved);
}

/* Return the next address, or NULL at the end. It lives until the next call. */
static const struct mail_address *lookup_next(struct lookup *l)
{
	const struct mail_address *reading;

	while (*l->domain != '\0') {
		l->is_replaced = false;
		if (move_reading(l))
			return &l->moved;
	}
	if (l->next == l->readings->count)
		return NULL;
	reading = &l->readings->at[l->next++];
	l->domain = address_is_local(reading) ? l->settings->local_domains : "";
	l->is_replaced = *l->domain != '\0';
	return reading;
}

enum list_result lookup_address(const struct check_run *run, enum list_id exact_id,
	enum list_id regex_id, const struct mail_address *address, struct finding *finding)
{
	const struct list *regex = run->parts->lists[regex_id];
	enum list_id id = exact_id;
	struct address_key key;
	uint32_t line = 0;
	enum list_result r = list_find_address(run->parts->lists[exact_id], address,
		run->settings->list_delimiter, &line);

	if (r == LIST_NO) {
		id = regex_id;
		r = list_match(regex, run->env->scratch, address->canon, address->canon_len, &line);
		if (r == LIST_NO && !address->is_simple && address_key(address, "", 1, &key))
			r = list_match(regex, run->env->scratch, key.text, key.len, &line);
	}
	if (r != LIST_NO)
		finding_listed(finding, id, line);
	return r;
}

enum list_result lookup_all_readings(const struct check_run *run, enum list_id exact_id,
	enum list_id regex_id, const struct address_readings *readings, struct finding *finding)
{
	enum list_result result = LIST_YES;
	const struct mail_address *address;
	struct lookup lookup;

	lookup_init(&lookup, run, readings);
	while ((address = lookup_next(&lookup)) != NULL) {
		if (lookup.is_replaced)
			continue;
		switch (lookup_address(run, exact_id, regex_id, address, finding)) {
		case LIST_YES:
			break;
		case LIST_NO:
			finding_rule(finding, "%s", "");
			return LIST_NO;
		case LIST_FAILED:
			result = LIST_FAILED;
			break;
		}
	}
	return result;
}

enum list_result lookup_any_reading(const struct check_run *run, enum list_id exact_id,
	enum list_id regex_id, const struct address_readings *readings, struct finding *finding)
{
	enum list_result result = LIST_NO;
	const struct mail_address *address;
	struct lookup lookup;

	lookup_init(&lookup, run, readings);
	while (result != LIST_YES && (address = lookup_next(&lookup)) != NULL) {
		enum list_result r = lookup_address(run, exact_id, regex_id, address, finding);

		if (r != LIST_NO)
			result = r;
	}
	return result;
}

enum any_result lookup_any_domain(const struct check_run *run,
	const struct address_readings *readings, uint32_t *line_r)
{
	const struct list *domains = run->parts->lists[LIST_DOMAINS];
	enum any_result result = ANY_ALLOW, r;
	const struct mail_address *address;
	struct lookup lookup;
	uint32_t line;

	lookup_init(&lookup, run, readings);
	while ((address = lookup_next(&lookup)) != NULL) {
		r = list_any_address(domains, address, run->settings->list_delimiter, &line);
		if (r != ANY_UNLISTED)
			*line_r = line;
		if (r == ANY_DENY)
			return ANY_DENY;
		if (r == ANY_UNLISTED && !lookup.is_replaced)
			result = ANY_UNLISTED;
	}
	return result;
}

bool lookup_may_be_denied(const struct check_run *run, enum list_id deny, bool is_recipient,
	const struct address_readings *readings, struct finding *finding)
{
	const struct mail_address *reading;
	uint32_t line;
	size_t i;

	if (run->settings->local_domains[0] != '\0' ||
		(!is_recipient && readings->at[0].has_domain))
		return false;
	for (i = 0; i < readings->count; i++) {
		reading = &readings->at[i];
		if (!address_is_local(reading) ||
			(is_recipient && address_is_postmaster(reading)) ||
			!list_may_deny_local(run->parts->lists[deny], reading,
				run->settings->list_delimiter, &line))
			continue;
		finding_rule(finding, "%s:%u, and [lists] local_domains is empty", list_name(deny),
			line);
		return true;
	}
	return false;
}

void find_counted_address(const struct settings *settings, const struct mail_address *address,
	struct mail_address *counted_r)
{
	const char *domain = settings->local_domains;
	struct mail_address inner;

	if (address->is_simple) {
		*counted_r = *address;
		return;
	}
	address_innermost(address, &inner);
	if (address_is_local(&inner) && domain[0] != '\0' &&
		address_at_domain(&inner, domain, counted_r))
		return;
	*counted_r = inner;
	if (!address_is_local(&inner))
		return;
	counted_r->canon_len = counted_r->local_len;
	counted_r->canon[counted_r->local_len] = '\0';
	counted_r->has_domain = false;
}
