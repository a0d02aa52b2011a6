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

/*
 * Return how many of the first readings the MTA took for its own, because it has gone on to a later
 * one: Sendmail resolves c%eo@alias.example to c@eo if alias.example is a name of its own.
 */
static size_t count_passed(const struct mail_address *to, const struct address_readings *readings)
{
	bool is_whole;

	for (size_t i = 0; i < readings->certain; i++) {
		if (address_same_local(to, &readings->at[i], "", &is_whole) && is_whole)
			return i;
	}
	return 0;
}

/* Return whether the domain of an address is unknown, though the MTA's own: then the address is the
 * same local part at one of [lists] local_domains. */
static bool is_unknown_own(const struct check_run *run, const struct mail_address *address)
{
	return run->settings->local_domains[0] != '\0' && !is_at_own_domain(run, address);
}

/* Drop the domain of a reading if is_unknown_own() holds; returns whether it does. */
static bool drop_unknown_own(const struct check_run *run, const struct mail_address *reading,
	struct mail_address *found_r)
{
	if (!is_unknown_own(run, reading))
		return false;
	*found_r = *reading;
	address_drop_domain(found_r);
	return true;
}

/* Not inlined, so that only addresses with several readings need this much stack. */
__attribute__((noinline)) static bool is_passed(const struct mail_address *address,
	const struct mail_address *to)
{
	struct address_readings readings;

	return address_readings_find(address, &readings) && count_passed(to, &readings) > 0;
}

bool loses_domain(const struct check_run *run, const struct mail_address *address,
	const struct mail_address *to)
{
	bool unused;

	if (to->is_null || !is_unknown_own(run, address))
		return false;
	return to->has_domain ?
		!address->is_simple && is_passed(address, to) :
		address_same_local(to, address, run->settings->list_delimiter, &unused);
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
	size_t i, count, passed;
	bool is_found;

	if (!address_readings_find(address, readings_r))
		return false;
	count = to == NULL || to->is_null ? 0 : readings_r->count;
	passed = count == 0 ? 0 : count_passed(to, readings_r);
	for (i = 0; i < count; i++) {
		is_found = i < passed ? drop_unknown_own(run, &readings_r->at[i], &found) :
					find_elsewhere(run, to, &readings_r->at[i], &found);
		if (is_found && !address_readings_add(&found, readings_r))
			return false;
	}
	return true;
}
