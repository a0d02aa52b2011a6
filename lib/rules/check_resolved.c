/*
 * Adds the address to which the MTA resolves a sender or a recipient to the readings of the address
 * that was written. Owns nothing; any thread may call it.
 */
#include "lib/rules/check_private.h"

/*
 * Find the address to which the MTA resolves a reading, if it changes the domain. The MTA may drop
 * or add an extension, as Sendmail's virtusertable does when it maps a whole domain. Otherwise the
 * local part is that of the reading, because MTAs give theirs without quotes, Sendmail also with
 * the backslashes that were in them. Returns whether there is one. Not inlined, so that only
 * addresses that the MTA changes need this much stack.
 */
__attribute__((noinline)) static bool find_elsewhere(const struct check_run *run,
	const struct mail_address *to, const struct mail_address *reading,
	struct mail_address *found_r)
{
	bool is_whole;

	if (to->is_null ||
		!address_same_local(to, reading, run->settings->list_delimiter, &is_whole))
		return false;
	if (address_is_local(to) &&
		(run->settings->local_domains[0] == '\0' || is_at_own_domain(run, reading)))
		return false;
	if (!is_whole)
		return address_unescape(to, found_r) && !found_r->is_odd;
	*found_r = *reading;
	if (!to->has_domain)
		address_drop_domain(found_r);
	else if (!address_at_domain(reading, address_domain(to), found_r))
		return false;
	return !address_equal(found_r, reading);
}

bool is_resolved_elsewhere(const struct check_run *run, const struct mail_address *to,
	const struct mail_address *address)
{
	struct mail_address unused;

	return to != NULL && find_elsewhere(run, to, address, &unused);
}

bool find_readings(const struct check_run *run, const struct mail_address *address,
	const struct mail_address *to, struct address_readings *readings_r)
{
	struct mail_address found;
	size_t i, count;

	if (!address_readings_find(address, readings_r))
		return false;
	count = to == NULL ? 0 : readings_r->count;
	for (i = 0; i < count; i++) {
		if (find_elsewhere(run, to, &readings_r->at[i], &found) &&
			!address_readings_add(&found, readings_r))
			return false;
	}
	return true;
}
