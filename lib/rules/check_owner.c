/*
 * Finds whether an address belongs to a user: froms, or the user's name, must allow the address and
 * each address as which an MTA may send it. Owns nothing; any thread may call it.
 */
#include <string.h>

#include "lib/base/text.h"
#include "lib/rules/check_private.h"

/* Return whether own, which is canonical, is another form of the address: with quotes or without,
 * and without its extension. Not inlined, so that only such addresses need this much stack. */
__attribute__((noinline)) static bool is_form(const struct settings *settings, const char *own,
	const struct mail_address *address)
{
	struct address_key key;

	for (unsigned form = 1; form < ADDRESS_KEYS; form++) {
		if (address_key(address, settings->recipient_delimiter, form, &key) &&
			strcmp(own, key.text) == 0)
			return true;
	}
	return false;
}

/* Return whether address equals own, which is canonical, or is own with an extension. */
static bool is_own(const struct settings *settings, const char *own,
	const struct mail_address *address)
{
	return strcmp(own, address->canon) == 0 ||
		(!address_has_one_key(address, settings->recipient_delimiter) &&
			is_form(settings, own, address));
}

/* Return whether one entry of froms allows the address. */
static bool from_allows(const struct settings *settings, const char *entry,
	const struct mail_address *address)
{
	const char *domain = address_domain(address);
	size_t len = strlen(entry), domain_len = strlen(domain);

	if (strcmp(entry, "*") == 0)
		return true;
	if (entry[0] == '@')
		return address->has_domain && strcmp(entry + 1, domain) == 0;
	if (entry[0] == '.') {
		if (!address->has_domain)
			return false;
		return strcmp(entry + 1, domain) == 0 ||
			(domain_len > len && strcmp(domain + domain_len - len, entry) == 0);
	}
	return is_own(settings, entry, address);
}

int check_own_address(const struct settings *settings, const char *login,
	struct mail_address *own_r)
{
	char text[ADDRESS_MAX + 1];
	int len;

	if (strchr(login, '@') == NULL && settings->default_domain[0] != '\0')
		len = text_format(text, sizeof(text), "%s@%s", login, settings->default_domain);
	else
		len = (int)text_copy(text, sizeof(text), login);
	return len > 0 && (size_t)len < sizeof(text) &&
			address_parse(text, (size_t)len, own_r) == 0 && own_r->local_len > 0 ?
		0 :
		-1;
}

/* Return whether a user without froms owns the address: it is the login, or login@default_domain.
 */
static bool owns_by_name(const struct check_run *run, const char *name,
	const struct mail_address *address)
{
	struct mail_address own;

	if (check_own_address(run->settings, name, &own) < 0)
		return false;
	return own.is_odd ? address_equal(&own, address) : /* a name with a space, not an address */
			    is_own(run->settings, own.canon, address); /* no pattern */
}

/* Return whether the user owns the address as it is. */
static bool owns_address(const struct check_run *run, const struct sender_user *who,
	const struct mail_address *address, char rule_r[RULE_SIZE])
{
	const char *entry = NULL, *name = who->user.name,
		   *mail = settings_token_mail(run->settings, name);
	unsigned i = 0;

	if (!who->user.has_froms) {
		(void)text_format(rule_r, RULE_SIZE, "user %.*s: own address", TEXT_CUT(name, 80));
		return owns_by_name(run, mail != NULL ? mail : name, address);
	}
	while ((entry = user_next_from(&who->user, entry)) != NULL) {
		i++;
		if (!from_allows(run->settings, entry, address))
			continue;
		(void)text_format(rule_r, RULE_SIZE, "user %.*s: froms[%u]", TEXT_CUT(name, 80), i);
		return true;
	}
	(void)text_format(rule_r, RULE_SIZE, "user %.*s: froms", TEXT_CUT(name, 80));
	return false;
}

/* ---- readings ------------------------------------------------------------------ */

/* Return whether an MTA may send mail from a reading. A name without a dot that is not the MTA's
 * own is more likely a part of the local part: no%reply@example.com. */
static bool may_be_sent(const struct check_run *run, const struct mail_address *reading)
{
	return !address_is_local(reading) || is_at_own_name(run, reading);
}

/* Not inlined, so that only addresses with several readings need this much stack. */
__attribute__((noinline)) bool readings_pass(const struct check_run *run,
	const struct mail_address *address,
	bool (*passes)(void *context, const struct mail_address *reading), void *context)
{
	struct address_readings readings;

	if (!address_readings_find(address, &readings))
		return false;
	for (size_t i = 1; i < readings.certain; i++) {
		if (may_be_sent(run, &readings.at[i]) && !passes(context, &readings.at[i]))
			return false;
	}
	return true;
}

/* A user, as the context of readings_pass(). */
struct owner {
	const struct check_run *run;
	const struct sender_user *who;
};

static bool owns_reading(void *context, const struct mail_address *reading)
{
	const struct owner *owner = context;
	char unused[RULE_SIZE];

	return owns_address(owner->run, owner->who, reading, unused);
}

/* Return whether an entry of froms is the address. */
static bool is_listed(const struct sender_user *who, const struct mail_address *address)
{
	const char *entry = NULL;

	while (who->user.has_froms && (entry = user_next_from(&who->user, entry)) != NULL) {
		if (strcmp(entry, address->canon) == 0)
			return true;
	}
	return false;
}

/* Return whether an entry of froms, or the user's name, is the sender, also with an extension. */
static bool is_named(const struct check_run *run, const struct sender_user *who,
	const struct mail_address *address)
{
	const char *entry = NULL;

	if (!who->user.has_froms)
		return true;
	while ((entry = user_next_from(&who->user, entry)) != NULL) {
		if (is_own(run->settings, entry, address)) /* false for every pattern */
			return true;
	}
	return false;
}

/* Return whether the user owns the sender at each of [lists] local_domains. */
static bool owns_at_local_domains(const struct check_run *run, const struct sender_user *who,
	char rule_r[RULE_SIZE])
{
	const char *domain = run->settings->local_domains;
	struct mail_address moved;
	char unused[RULE_SIZE];

	for (; *domain != '\0'; domain += strlen(domain) + 1) {
		if (address_at_domain(run->facts->sender, domain, &moved) &&
			owns_address(run, who, &moved, unused))
			continue;
		(void)text_format(rule_r, RULE_SIZE, "user %.*s: froms, as sent from %.*s",
			TEXT_CUT(who->user.name, 80), TEXT_CUT(domain, 80));
		return false;
	}
	return true;
}

bool sender_user_owns_resolved(const struct check_run *run, const struct sender_user *who,
	char rule_r[RULE_SIZE])
{
	const struct mail_address *to = run->facts->sender_resolved, *sender = run->facts->sender;

	if (to == NULL || address_equal(to, sender) || is_named(run, who, sender))
		return true;
	if (loses_domain(run, sender, to) && !owns_at_local_domains(run, who, rule_r))
		return false;
	return address_is_local(to) || owns_address(run, who, to, rule_r);
}

bool sender_user_names_domain(const struct check_run *run, const struct sender_user *who,
	const struct mail_address *address)
{
	const char *entry = NULL, *at, *name = who->user.name,
		   *mail = settings_token_mail(run->settings, name);
	struct mail_address own;

	if (!who->user.has_froms)
		return check_own_address(run->settings, mail != NULL ? mail : name, &own) == 0 &&
			strcmp(address_domain(&own), address_domain(address)) == 0;
	while ((entry = user_next_from(&who->user, entry)) != NULL) {
		at = strrchr(entry, '@');
		if (at != NULL && strcmp(at + 1, address_domain(address)) == 0)
			return true;
	}
	return false;
}

bool sender_user_owns(const struct check_run *run, const struct sender_user *who,
	const struct mail_address *address, char rule_r[RULE_SIZE])
{
	struct owner owner = { run, who };

	return owns_address(run, who, address, rule_r) &&
		(address->is_simple || is_listed(who, address) ||
			readings_pass(run, address, owns_reading, &owner));
}
