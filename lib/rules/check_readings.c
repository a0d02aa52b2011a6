/*
 * Looks an address of MAIL or RCPT up in lists, and each address to which the MTA may deliver it,
 * and finds the one that is counted. Owns nothing; any thread may call it.
 * t/unit/test_check_readings.c covers it.
 */
#include <string.h>

#include "lib/base/ascii.h"
#include "lib/base/text.h"
#include "lib/rules/check_private.h"

/*
 * The addresses to look up, one after the other: each reading and, if the MTA may deliver it there,
 * at each of local_domains and at the MTA's host name. The MTA may also complete a name without a
 * dot: a@mx is looked up at corp.example and at mx.corp.example.
 */
struct lookup {
	const struct check_run *run;
	const struct address_readings *readings;
	size_t next;		/* reading */
	unsigned count;		/* addresses so far */
	const char *domain;	/* the next domain for the last reading; "": none is left */
	const char *mta_name;	/* the same, behind the others; NULL: none */
	const char *mta_domain; /* the domain below which the MTA completes a name; NULL: none */
	const char
		*host_domain; /* the domain of the MTA's host name, if it is looked up; or NULL */
	const char *folded; /* the domains from which the next is sought that Postfix takes for that
			       of the last reading; "": none is left */
	bool is_of_recipients;
	bool is_optional;	   /* the MTA may deliver the last address elsewhere */
	bool domains_are_optional; /* the same of those at `domain` */
	bool is_completed;	   /* the next domain comes below the name of the reading */
	struct mail_address moved;
};

static void lookup_init(struct lookup *l, const struct check_run *run,
	const struct address_readings *readings, bool is_of_recipients)
{
	l->run = run;
	l->readings = readings;
	l->next = l->count = 0;
	l->domain = l->folded = "";
	l->mta_name = l->mta_domain = l->host_domain = NULL;
	l->is_of_recipients = is_of_recipients;
	l->is_optional = l->domains_are_optional = l->is_completed = false;
}

/* Return the domain of a host, or NULL when the name has no dot. */
static const char *domain_of_host(const char *name)
{
	const char *dot = name == NULL ? NULL : strchr(name, '.');

	return dot == NULL ? NULL : dot + 1;
}

bool is_among(const char *domains, const char *domain)
{
	for (; *domains != '\0'; domains += strlen(domains) + 1) {
		if (strcmp(domain, domains) == 0)
			return true;
	}
	return false;
}

/* Return whether the MTA's host name is its mail domain: the first of local_domains, among which
 * the domain of the host is not. */
static bool is_mail_domain(const char *domains, const char *mta_name)
{
	const char *above = domain_of_host(mta_name);

	return strcmp(domains, mta_name) == 0 && (above == NULL || !is_among(domains, above));
}

bool is_at_mta_name(const struct check_run *run, const struct mail_address *address)
{
	const char *name = run->facts->mta_name;

	return name != NULL && strcmp(address_domain(address), name) == 0 &&
		!is_mail_domain(run->settings->local_domains, name);
}

/* Return whether an address is at one of [lists] local_domains. */
static bool is_at_local_domain(const struct settings *settings, const struct mail_address *address)
{
	return is_among(settings->local_domains, address_domain(address));
}

bool has_other_domains(const struct check_run *run, const struct mail_address *address)
{
	const char *domains = run->settings->local_domains;
	const bool is_one = domains[0] == '\0' || domains[strlen(domains) + 1] == '\0';

	return is_at_mta_name(run, address) ||
		(!is_one && is_at_local_domain(run->settings, address)) ||
		*find_folded_domain(domains, address_domain(address)) != '\0';
}

bool is_at_own_domain(const struct check_run *run, const struct mail_address *address)
{
	return address_is_local(address) || is_at_mta_name(run, address) ||
		is_at_local_domain(run->settings, address);
}

/* Return whether name is the first label of host, which may be NULL. */
static bool is_first_label(const char *name, const char *host)
{
	const size_t len = strlen(name);

	return host != NULL && strncmp(host, name, len) == 0 && host[len] == '.';
}

bool is_at_own_name(const struct check_run *run, const struct mail_address *address)
{
	const char *name = address_domain(address);

	return name[0] == '[' || strstr(name, "localhost") != NULL ||
		is_first_label(name, run->facts->mta_name);
}

/* Return whether the address is at a name that the MTA may complete. */
static bool has_short_name(const struct mail_address *address)
{
	const char *name = address_domain(address);

	return name[0] != '\0' && strpbrk(name, ".[") == NULL && strcmp(name, "localhost") != 0;
}

/* Move the last reading to its own name followed by a domain. Returns false if the address is
 * longer than any entry. */
static bool complete_reading(struct lookup *l, const char *domain)
{
	const struct mail_address *reading = &l->readings->at[l->next - 1];
	char completed[2 * DOMAIN_SIZE];

	return text_format(completed, sizeof(completed), "%s.%s", address_domain(reading), domain) <
		DOMAIN_SIZE &&
		address_at_domain(reading, completed, &l->moved);
}

/* Move the last reading to the next domain. Returns false if the address is longer than any entry.
 */
static bool move_reading(struct lookup *l)
{
	const struct mail_address *reading = &l->readings->at[l->next - 1];
	const char *domain = l->domain;
	const bool is_completed = l->is_completed;

	l->is_completed = !l->is_completed && has_short_name(reading);
	if (!l->is_completed)
		l->domain += strlen(l->domain) + 1;
	return is_completed ? complete_reading(l, domain) :
			      address_at_domain(reading, domain, &l->moved);
}

/*
 * Return whether the MTA may deliver the next reading, or send mail from it, at domains of its own.
 * No MTA rewrites a sender at a domain of others: the name in news!letter@example.net is a part of
 * the local part, unless it is certainly the MTA's.
 */
static bool is_local_reading(const struct lookup *l, const struct mail_address *reading)
{
	return address_is_local(reading) &&
		(l->is_of_recipients || address_domain(reading)[0] == '\0' ||
			is_at_own_name(l->run, reading) ||
			is_at_own_domain(l->run, &l->readings->at[0]));
}

/* Return whether the MTA may deliver reading i elsewhere at `domain`, and not where it is. */
static bool is_moved(const struct lookup *l, size_t i, bool *is_optional_r)
{
	const struct mail_address *reading = &l->readings->at[i];
	const bool is_local = is_local_reading(l, reading);

	*is_optional_r = !is_local || i >= l->readings->certain;
	return is_local || is_at_mta_name(l->run, reading);
}

/* Return whether the same local part was moved to local_domains before, and counts as much: Postfix
 * completes <bob@mx>, and tells that it is bob@mx.corp.example. */
static bool was_moved(const struct lookup *l, size_t i, bool is_optional)
{
	const struct mail_address *reading = &l->readings->at[i], *other;
	bool other_is_optional;

	for (size_t j = 0; j < i && !has_short_name(reading); j++) {
		other = &l->readings->at[j];
		if (other->local_len == reading->local_len &&
			memcmp(other->canon, reading->canon, reading->local_len) == 0 &&
			is_moved(l, j, &other_is_optional) && (is_optional || !other_is_optional))
			return true;
	}
	return false;
}

/* Begin with the next reading. */
static const struct mail_address *next_reading(struct lookup *l)
{
	const size_t i = l->next++;
	const struct mail_address *reading = &l->readings->at[i];
	const char *domains = l->run->settings->local_domains;
	const bool is_local = is_local_reading(l, reading);

	l->domain = is_moved(l, i, &l->domains_are_optional) &&
			!was_moved(l, i, l->domains_are_optional) ?
		domains :
		"";
	l->mta_name = is_local ? l->run->facts->mta_name : NULL;
	l->mta_domain = is_local && has_short_name(reading) ? domain_of_host(l->mta_name) : NULL;
	l->host_domain = l->is_of_recipients && domains[0] == '\0' &&
			((is_local && !address_is_postmaster(reading)) ||
				is_at_mta_name(l->run, reading)) ?
		domain_of_host(l->run->facts->mta_name) :
		NULL;
	l->folded = l->is_of_recipients ? domains : "";
	l->is_optional =
		l->next > l->readings->certain || (address_is_local(reading) && domains[0] != '\0');
	return reading;
}

/* Move the last reading to the next domain that Postfix takes for its own. Returns false at the
 * end. */
static bool move_to_folded(struct lookup *l)
{
	const struct mail_address *reading;
	const char *domain;

	while (*l->folded != '\0') {
		reading = &l->readings->at[l->next - 1];
		domain = find_folded_domain(l->folded, address_domain(reading));
		l->folded = *domain == '\0' ? domain : domain + strlen(domain) + 1;
		if (*domain != '\0' && address_at_domain(reading, domain, &l->moved))
			return true;
	}
	return false;
}

static const struct mail_address *next_address(struct lookup *l)
{
	const char *mta_name = l->mta_name, *mta_domain, *host_domain;

	while (*l->domain != '\0') {
		l->is_optional = l->domains_are_optional;
		if (move_reading(l))
			return &l->moved;
	}
	l->mta_name = NULL;
	l->is_optional = true;
	if (mta_name != NULL &&
		address_at_domain(&l->readings->at[l->next - 1], mta_name, &l->moved))
		return &l->moved;
	mta_domain = l->mta_domain;
	l->mta_domain = NULL;
	if (mta_domain != NULL && complete_reading(l, mta_domain))
		return &l->moved;
	host_domain = l->host_domain;
	l->host_domain = NULL;
	if (host_domain != NULL &&
		address_at_domain(&l->readings->at[l->next - 1], host_domain, &l->moved))
		return &l->moved;
	if (move_to_folded(l))
		return &l->moved;
	return l->next == l->readings->count ? NULL : next_reading(l);
}

/* Return the next address, or NULL at the end, or after LOOKUPS_MAX. It lives until the next call.
 */
static const struct mail_address *lookup_next(struct lookup *l)
{
	return l->count++ < LOOKUPS_MAX ? next_address(l) : NULL;
}

bool lookups_are_few(const struct check_run *run, const struct address_readings *readings,
	bool is_recipient)
{
	struct lookup lookup;
	unsigned count = 0;

	lookup_init(&lookup, run, readings, is_recipient);
	while (count <= LOOKUPS_MAX && next_address(&lookup) != NULL)
		count++;
	return count <= LOOKUPS_MAX;
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

static size_t count_ascii(const char *text, size_t len)
{
	size_t count = 0;

	for (size_t i = 0; i < len; i++)
		count += (unsigned char)text[i] < 0x80;
	return count;
}

/* Return whether a local part that is not ASCII is allowed in another case. A character that
 * folding turns into ASCII is another one: the long s is not s. */
static bool is_allowed_folded(const struct check_run *run, enum list_id allow,
	const struct mail_address *address, struct finding *finding)
{
	struct mail_address folded;

	return address_fold(address, &folded) &&
		count_ascii(folded.canon, folded.local_len) ==
		count_ascii(address->canon, address->local_len) &&
		lookup_address(run, allow, allow + 1, &folded, finding) == LIST_YES;
}

enum list_result lookup_all_readings(const struct check_run *run, enum list_id allow,
	enum list_id deny, const struct address_readings *readings, struct finding *finding)
{
	bool is_allowed = false, has_failed = false;
	const struct mail_address *address;
	struct lookup lookup;

	lookup_init(&lookup, run, readings, allow == LIST_RCPT_ALLOW);
	while ((address = lookup_next(&lookup)) != NULL) {
		switch (lookup_address(run, allow, allow + 1, address, finding)) {
		case LIST_YES:
			is_allowed = true;
			break;
		case LIST_NO:
			if (is_allowed_folded(run, allow, address, finding)) {
				is_allowed = true;
				break;
			}
			if (lookup.is_optional &&
				lookup_address(run, deny, deny + 1, address, finding) == LIST_NO)
				break;
			finding_rule(finding, "%s", "");
			return LIST_NO;
		case LIST_FAILED:
			has_failed = true;
			break;
		}
	}
	if (has_failed)
		return LIST_FAILED;
	return is_allowed ? LIST_YES : LIST_NO;
}

enum list_result lookup_any_reading(const struct check_run *run, enum list_id exact_id,
	enum list_id regex_id, const struct address_readings *readings, struct finding *finding)
{
	enum list_result result = LIST_NO;
	const struct mail_address *address;
	struct lookup lookup;

	lookup_init(&lookup, run, readings, exact_id == LIST_RCPT_DENY);
	while (result != LIST_YES && (address = lookup_next(&lookup)) != NULL) {
		enum list_result r = lookup_address(run, exact_id, regex_id, address, finding);

		if (r != LIST_NO)
			result = r;
	}
	return result;
}

enum any_result lookup_any_domain(const struct check_run *run,
	const struct address_readings *readings, bool is_recipient, uint32_t *line_r)
{
	const struct list *domains = run->parts->lists[LIST_DOMAINS];
	const struct mail_address *address;
	bool is_allowed = false, lacks_one = false;
	struct lookup lookup;
	uint32_t line, allowed = 0;

	lookup_init(&lookup, run, readings, is_recipient);
	while ((address = lookup_next(&lookup)) != NULL) {
		switch (list_any_address(domains, address, run->settings->list_delimiter, &line)) {
		case ANY_DENY:
			*line_r = line;
			return ANY_DENY;
		case ANY_ALLOW:
			is_allowed = true;
			allowed = line;
			break;
		case ANY_UNLISTED:
			lacks_one |= !lookup.is_optional;
			break;
		}
	}
	if (!is_allowed || lacks_one)
		return ANY_UNLISTED;
	*line_r = allowed;
	return ANY_ALLOW;
}

/*
 * Return whether the domain of a local address is held against the domains in a list, too. The name
 * in no%reply@example.net may be a part of the local part. Senders at localhost and at names
 * without a dot are frequent, and most MTAs do not change them.
 */
static bool may_have_any_domain(const struct mail_address *address, bool is_recipient,
	bool is_written)
{
	const char *name = address_domain(address);

	return name[0] == '\0' ||
		(is_recipient &&
			(is_written || name[0] == '[' || strstr(name, "localhost") != NULL));
}

bool lookup_may_be_denied(const struct check_run *run, enum list_id deny, bool is_recipient,
	const struct address_readings *readings, struct finding *finding)
{
	const struct mail_address *reading;
	uint32_t line;
	size_t i;

	if (run->settings->local_domains[0] != '\0')
		return false;
	for (i = 0; i < readings->count; i++) {
		reading = &readings->at[i];
		if (!address_is_local(reading) ||
			(is_recipient && address_is_postmaster(reading)) ||
			!list_may_deny_local(run->parts->lists[deny], reading,
				run->settings->list_delimiter,
				may_have_any_domain(reading, is_recipient, i == 0), &line))
			continue;
		finding_rule(finding, "%s:%u, and [lists] local_domains is empty", list_name(deny),
			line);
		return true;
	}
	return false;
}

const char *find_counted_address(const struct settings *settings, const char *mta_name,
	const struct mail_address *reading, struct mail_address *counted_r)
{
	const char *domains = settings->local_domains;
	const char *first = domains[0] == '\0' && mta_name != NULL ? mta_name : domains;
	const char *folded = find_folded_domain(domains, address_domain(reading));

	if (address_is_local(reading) && first[0] != '\0' &&
		address_at_domain(reading, first, counted_r))
		return domains;
	if (*folded != '\0' && address_at_domain(reading, folded, counted_r))
		return domains;
	*counted_r = *reading;
	if (!address_is_local(reading))
		return is_at_local_domain(settings, reading) ||
				(mta_name != NULL &&
					strcmp(address_domain(reading), mta_name) == 0) ?
			domains :
			"";
	address_drop_domain(counted_r);
	return "";
}

/* Not inlined, so that only senders with several readings need this much stack. */
__attribute__((noinline)) static bool is_read_as_daemon(const struct mail_address *sender)
{
	struct mail_address inner;

	address_innermost(sender, &inner);
	return address_is_mailer_daemon(&inner);
}

bool sender_may_become_null(const struct mail_address *sender)
{
	return sender->is_null || address_is_mailer_daemon(sender) ||
		(!sender->is_simple && is_read_as_daemon(sender));
}
