/*
 * Adds the address to which the MTA resolves a sender or a recipient to the readings of the address
 * that was written. Owns nothing; any thread may call it.
 */
#include "lib/rules/check_private.h"

/*
 * Return whether the MTA resolves the address to another domain. A resolved address may lack the
 * extension: Sendmail's virtusertable drops it when it maps a whole domain.
 */
static bool is_elsewhere(const struct check_run *run, const struct mail_address *to,
	const struct mail_address *address)
{
	if (to->is_odd || to->is_null || address_equal(to, address) ||
		!address_same_local(to, address, run->settings->list_delimiter))
		return false;
	return !address_is_local(to) ||
		(run->settings->local_domains[0] != '\0' && !is_at_own_domain(run, address));
}

bool is_resolved_elsewhere(const struct check_run *run, const struct mail_address *to,
	const struct mail_address *address)
{
	return to != NULL && is_elsewhere(run, to, address);
}

bool find_readings(const struct check_run *run, const struct mail_address *address,
	const struct mail_address *to, struct address_readings *readings_r)
{
	bool is_found = false;
	size_t i;

	if (!address_readings_find(address, readings_r))
		return false;
	for (i = 0; to != NULL && i < readings_r->count; i++)
		is_found |= is_elsewhere(run, to, &readings_r->at[i]);
	return !is_found || address_readings_add(to, readings_r);
}
